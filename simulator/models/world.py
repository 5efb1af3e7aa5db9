"""What the backend and BroadWorks remember: partners, customers, users, subscribers."""

from __future__ import annotations

import uuid

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q


class Account(models.Model):
    """A partner (service provider) organisation in Webex."""

    name = models.TextField(unique=True)
    region = models.TextField(default="us")
    settings = models.JSONField(default=dict)

    class Meta:
        db_table = "simulator_account"

    def __str__(self) -> str:
        return self.name


class Token(models.Model):
    """A bearer token of an account. Stored plainly: it opens nothing but this simulator."""

    token = models.TextField(primary_key=True)
    name = models.TextField()
    account = models.ForeignKey(Account, models.CASCADE)
    scopes = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "simulator_token"

    def __str__(self) -> str:
        return self.name


class Provisioning(models.Model):
    """A provisioning ID: all that the backend knows of an onboarding template."""

    id = models.TextField(primary_key=True)
    account = models.ForeignKey(Account, models.CASCADE)
    region = models.TextField(default="us")
    cluster = models.TextField()

    class Meta:
        db_table = "simulator_provisioning"

    def __str__(self) -> str:
        return self.id


class Enterprise(models.Model):
    """A customer: a BroadWorks enterprise, or a group of a service provider (`SP+group`)."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True)
    org_uid = models.UUIDField(default=uuid.uuid4)
    sp_enterprise_id = models.TextField()
    provisioning = models.ForeignKey(Provisioning, models.CASCADE)
    cluster = models.TextField()
    is_enterprise = models.BooleanField(default=True)
    group = models.TextField(default="")
    region = models.TextField(default="", help_text="empty: that of the provisioning ID")
    problem = models.TextField(default="")
    attempts = models.IntegerField(null=True)
    until = models.DateTimeField(null=True)

    class Meta:
        db_table = "simulator_enterprise"
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "sp_enterprise_id"], name="sim_enterprise_key"
            )
        ]

    def __str__(self) -> str:
        return self.sp_enterprise_id


class BroadworksUser(models.Model):
    """A telephony user with the login that Xsi-Actions checks."""

    user_key = models.TextField(primary_key=True, help_text="the user ID in lower case")
    user_id = models.TextField()
    password = models.TextField()
    first_name = models.TextField(default="")
    last_name = models.TextField(default="")
    sp_enterprise_id = models.TextField(default="")
    provisioning = models.ForeignKey(Provisioning, models.SET_NULL, null=True)
    group = models.TextField(default="")
    number = models.TextField(default="")
    extension = models.TextField(default="")
    mobile = models.TextField(default="")
    package = models.TextField(default="standard")
    im_p = models.BooleanField(default=False)
    assign_at = models.DateTimeField(null=True, help_text="when it gets Integrated IM&P by itself")
    locked = models.BooleanField(default=False)
    locked_answer = models.TextField(default="plain")
    answer_status = models.IntegerField(default=200)
    failures = models.IntegerField(default=0)
    max_failures = models.IntegerField(default=5)
    password_expires_days = models.IntegerField(null=True)

    class Meta:
        db_table = "simulator_broadworks_user"
        indexes = [
            models.Index(
                fields=["assign_at"], condition=Q(assign_at__isnull=False), name="sim_user_assign"
            ),
            models.Index(fields=["sp_enterprise_id", "provisioning"], name="sim_user_enterprise"),
        ]

    def __str__(self) -> str:
        return self.user_id


class Subscriber(models.Model):
    """A subscriber, with the step that awaits it (`due_*`, `changes`) on the same row."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True)
    # No constraint of the database's: each insert would lock the account's one row, twice.
    account = models.ForeignKey(Account, models.CASCADE, db_index=False, db_constraint=False)
    provisioning = models.ForeignKey(
        Provisioning, models.CASCADE, db_index=False, db_constraint=False
    )
    cluster = models.TextField()
    sp_enterprise_id = models.TextField()
    user_id = models.TextField()
    user_key = models.TextField(help_text="the user ID in lower case")
    keyed = models.BooleanField(default=True, help_text="is the natural key unique?")
    first_name = models.TextField(default="")
    last_name = models.TextField(default="")
    email = models.TextField(default="", help_text="as sent")
    email_key = models.TextField(default="", help_text="in lower case")
    primary_phone = models.TextField(default="")
    mobile_phone = models.TextField(default="")
    extension = models.TextField(default="")
    timezone = models.TextField(default="")
    language = models.TextField(default="")
    package = models.TextField()
    status = models.TextField()
    errors = models.JSONField(default=list)
    person_uid = models.UUIDField(null=True)
    self_activated = models.BooleanField(default=False)
    created = models.DateTimeField()
    last_status_change = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    due_status = models.TextField(default="")
    due_errors = models.JSONField(default=list)
    changes = models.JSONField(default=dict)
    # Written when the row is, read by every list: a page of a hundred is a hundred texts to join.
    shown = models.GeneratedField(
        expression=models.Func(
            *("uid", "person_uid", "user_id", "sp_enterprise_id", "first_name", "last_name"),
            *("email", "primary_phone", "mobile_phone", "extension", "package", "status"),
            *("errors", "created", "last_status_change", "provisioning_id", "self_activated"),
            function="simulator_shown",
        ),
        output_field=models.TextField(),
        db_persist=True,
        help_text="the API's answer for this subscriber; made by subscriber_shown.sql",
    )

    class Meta:
        db_table = "simulator_subscriber"
        constraints = [
            models.UniqueConstraint(
                fields=["provisioning", "sp_enterprise_id", "user_key"],
                condition=Q(keyed=True),
                name="sim_subscriber_key",
            )
        ]
        indexes = [
            models.Index(fields=["account", "id"], name="sim_sub_account"),
            models.Index(fields=["account", "last_status_change"], name="sim_sub_account_change"),
            models.Index(fields=["provisioning", "id"], name="sim_sub_provisioning"),
            models.Index(
                fields=["provisioning", "last_status_change", "id"], name="sim_sub_change"
            ),
            models.Index(fields=["user_key", "cluster"], name="sim_sub_user_key"),
            models.Index(
                fields=["provisioning", "sp_enterprise_id", "status"], name="sim_sub_enterprise"
            ),
            models.Index(fields=["email_key"], condition=~Q(email_key=""), name="sim_sub_email"),
            models.Index(
                fields=["person_uid"], condition=Q(person_uid__isnull=False), name="sim_sub_person"
            ),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="sim_sub_due"),
            # A page of a rare status: by id, as pages run, over the few that are not provisioned.
            models.Index(
                fields=["account", "id", "status", "self_activated"],
                condition=~Q(status="provisioned"),
                name="sim_sub_unfinished",
            ),
            # `after`: costs an insert next to nothing, and rules out nearly all of the table.
            BrinIndex(fields=["created"], pages_per_range=16, name="sim_sub_created"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} ({self.status})"


class Address(models.Model):
    """What is special about an e-mail address; one that is not here is free."""

    email_key = models.TextField(primary_key=True)
    kind = models.TextField()
    until = models.DateTimeField(null=True)
    attempts = models.IntegerField(null=True, help_text="null: for ever")
    at_once = models.BooleanField(default=False)
    code = models.IntegerField(null=True)
    description = models.TextField(default="")
    seconds = models.FloatField(null=True)

    class Meta:
        db_table = "simulator_address"

    def __str__(self) -> str:
        return f"{self.email_key} ({self.kind})"


class Mail(models.Model):
    """A consent mail that Webex would have sent."""

    token = models.UUIDField(default=uuid.uuid4, unique=True)
    subscriber_uid = models.UUIDField(db_index=True)
    account = models.ForeignKey(Account, models.CASCADE)
    to = models.TextField()
    user_id = models.TextField()
    sent_at = models.DateTimeField()

    class Meta:
        db_table = "simulator_mail"

    def __str__(self) -> str:
        return f"{self.to} at {self.sent_at}"
