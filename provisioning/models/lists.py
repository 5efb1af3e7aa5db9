"""What makes long lists quick: counts and search texts that triggers keep (migration 0006)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func

from provisioning.models.subscribers import Subscriber


class UserCount(models.Model):
    """A summand of how many live subscribers of a template have a status, package and error_key.

    Whatever changes subscribers appends what it added and took away, in its own transaction, and
    waits for nobody; `tallies.fold` adds the summands up now and then. Read by `tallies` only.
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


class Grams(Func):
    """The short pieces of a search text, and the template it belongs to, as numbers."""

    function = "provisioning_grams"
    output_field = ArrayField(models.IntegerField())


class SearchText(models.Model):
    """All of a live subscriber that a search looks at, folded to plain small letters.

    Beside the subscriber and not in it: a change of status writes every index of its table anew,
    and this index is dear. Read by `searching` only.
    """

    subscriber = models.OneToOneField(
        Subscriber,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="search_text",
        db_constraint=False,
    )
    template_id = models.BigIntegerField()
    text = models.TextField()

    class Meta:
        indexes = [
            # Entries that are not sorted in yet are read by every search: few of them.
            GinIndex(
                Grams(F("text"), F("template_id")),
                name="searchtext_grams",
                gin_pending_list_limit=256,
            )
        ]

    def __str__(self) -> str:
        return self.text
