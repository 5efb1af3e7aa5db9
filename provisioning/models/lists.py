"""What makes long lists quick: counts and texts that triggers keep (user_count.sql, user_text.sql
and search_functions.sql in migrations/sql).
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Func
from django.db.models.functions import Upper

from provisioning.models.subscribers import Subscriber

#: The short pieces of a UserText's text, and the template it belongs to, as numbers.
GRAMS = Func(
    "text",
    "template_id",
    function="provisioning_grams",
    output_field=ArrayField(models.IntegerField()),
)


class UserCount(models.Model):
    """A summand of how many live subscribers of a template have a status, package and error_key.

    Whatever changes subscribers appends what it added and took away, in its own transaction, and
    waits for nobody; `lists.counts.fold` adds the summands up now and then, and nobody else reads.
    """

    #: No foreign key: it would lock the template's row at every change of a subscriber.
    template_id = models.BigIntegerField()
    status = models.CharField(max_length=60)
    package = models.CharField(max_length=40)
    error_key = models.CharField(max_length=40)
    n = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["template_id"], name="usercount_template")]

    def __str__(self) -> str:
        return f"{self.template_id} {self.status} {self.package} {self.error_key} {self.n:+}"


class UserText(models.Model):
    """What a live subscriber is found by and sorted by: texts that hardly ever change.

    Beside the subscriber and not in it: a change of status writes every index of its table anew,
    and these are dear. Read by `searching` and `finding`, and to look up BroadWorks IDs.

    Attributes:
        name_key: Subscriber.name_key.
        text: all that a search looks at, folded to plain small letters.
    """

    subscriber = models.OneToOneField(
        Subscriber,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="texts",
        db_constraint=False,
    )
    template_id = models.BigIntegerField()
    broadworks_id = models.CharField(max_length=200)
    name_key = models.TextField(db_collation="C")
    text = models.TextField()

    class Meta:
        indexes = [
            models.Index(
                fields=["template_id", "broadworks_id", "subscriber"], name="usertext_id_page"
            ),
            models.Index(
                fields=["template_id", "name_key", "subscriber"], name="usertext_name_page"
            ),
            # As BroadWorks compares them.
            models.Index(Upper("broadworks_id"), name="usertext_broadworks_id"),
            # Entries that are not sorted in yet are read by every search: few of them.
            GinIndex(GRAMS, name="usertext_grams", gin_pending_list_limit=256),
        ]

    def __str__(self) -> str:
        return self.text
