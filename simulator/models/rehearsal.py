"""What goes wrong on purpose, and what was done: the run, faults, the request log."""

from __future__ import annotations

from django.db import models


class State(models.Model):
    """What holds for the whole backend; one row, number 1.

    `generation` grows whenever accounts, tokens, provisioning IDs or faults change: processes keep
    those in memory for as long as it stays the same. `run` separates what the request log holds,
    as nothing is ever taken from it: a reset begins the next run.
    """

    generation = models.BigIntegerField(default=1)
    run = models.IntegerField(default=1)
    scenario = models.TextField(default="")
    since = models.DateTimeField(null=True, help_text="when the rehearsal began; null: none runs")

    class Meta:
        db_table = "simulator_state"

    def __str__(self) -> str:
        return f"run {self.run}"


class Fault(models.Model):
    """How matching requests misbehave: all of them, some by chance, or by a script."""

    kind = models.TextField(default="")
    options = models.JSONField(default=dict)
    token_name = models.TextField(default="*")
    operation = models.TextField(default="*", help_text="one or several, with commas between")
    contains = models.TextField(default="")
    probability = models.FloatField(default=1)
    script = models.TextField(default="", help_text="x: struck, anything else: not; repeated")
    count_by = models.TextField(default="all", help_text="all, or user: each user counted apart")
    seed = models.TextField(default="")
    times = models.IntegerField(null=True, help_text="null: without end")
    hits = models.IntegerField(default=0)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    scenario = models.TextField(default="")

    class Meta:
        db_table = "simulator_fault"

    def __str__(self) -> str:
        return f"{self.kind} on {self.operation}"


class FaultCount(models.Model):
    """How many matching requests a fault has seen: of all, or of one user."""

    fault = models.ForeignKey(Fault, models.CASCADE, db_index=False, db_constraint=False)
    identity = models.TextField()
    seen = models.IntegerField(default=0)

    class Meta:
        db_table = "simulator_fault_count"
        constraints = [
            models.UniqueConstraint(fields=["fault", "identity"], name="sim_fault_count_key")
        ]

    def __str__(self) -> str:
        return f"{self.identity}: {self.seen}"


class Allowance(models.Model):
    """How many requests a token may still make at once (a token bucket)."""

    token_name = models.TextField(primary_key=True)
    level = models.FloatField()
    at = models.DateTimeField()

    class Meta:
        db_table = "simulator_allowance"

    def __str__(self) -> str:
        return f"{self.token_name}: {self.level}"


class RequestLog(models.Model):
    """One line per request that reached the API or the login, written with its effect.

    Only ever added to: a trigger refuses anything else.
    """

    run = models.IntegerField(default=1)
    at = models.DateTimeField(help_text="when it arrived")
    finished_at = models.DateTimeField(help_text="when its effect was about to be committed")
    token_name = models.TextField()
    method = models.TextField()
    path = models.TextField()
    operation = models.TextField()
    provisioning_id = models.TextField(default="")
    sp_enterprise_id = models.TextField(default="")
    user_id = models.TextField()
    body_hash = models.TextField()
    effect = models.BooleanField()
    change = models.TextField(help_text="created, renewed, updated, removed, mailed or nothing")
    status = models.IntegerField()
    outcome = models.TextField(help_text="of a login: ok or wrong")
    fault = models.TextField()
    hold_until = models.DateTimeField(null=True, help_text="end of the Retry-After it answered")
    tracking_id = models.TextField()

    class Meta:
        db_table = "simulator_request"
        indexes = [models.Index(fields=["run", "user_id", "id"], name="sim_request_user")]

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.status}"


class Answer(models.Model):
    """Whether a request's answer was handed to the network; written in groups, afterwards.

    A request without such a line: nobody knows, the process died before it could be written.
    """

    line = models.BigIntegerField(primary_key=True, help_text="id of the request's log line")
    at = models.DateTimeField(help_text="when its last part was handed over")
    sent = models.BooleanField()

    class Meta:
        db_table = "simulator_answer"

    def __str__(self) -> str:
        return f"{self.line}: {self.sent}"
