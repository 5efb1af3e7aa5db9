"""How many users there are, without counting them: triggers keep the figures (user_count.sql)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection as database
from django.db import transaction
from django.db.models import Sum

from common import sql
from provisioning.models import UserCount

_SUMS = """
    SELECT template_id, status, package, error_key, sum(n)::integer FROM provisioning_usercount
     WHERE template_id = ANY(%(templates)s) GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0
"""
#: Only one process folds at a time; two would do no harm.
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('usercount.fold', 0))"
#: In one statement, so that every reader sees either the summands or their sum.
_FOLD = """
    WITH crowded AS (
        SELECT template_id, status, package, error_key FROM provisioning_usercount
         GROUP BY 1, 2, 3, 4 HAVING count(*) > 1
    ), gone AS (
        DELETE FROM provisioning_usercount AS one USING crowded
         WHERE (one.template_id, one.status, one.package, one.error_key)
             = (crowded.template_id, crowded.status, crowded.package, crowded.error_key)
        RETURNING one.*
    )
    INSERT INTO provisioning_usercount (template_id, status, package, error_key, n)
    SELECT template_id, status, package, error_key, sum(n) FROM gone
     GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0
"""


@dataclass(frozen=True, slots=True)
class UserSum:
    """So many live users of a template have this status, package and error key."""

    template_id: int
    status: str
    package: str
    error_key: str
    n: int


def of_templates(template_ids: Iterable[int]) -> list[UserSum]:
    """The tallies of these templates, exact as of now; one query."""
    return [UserSum(*row) for row in sql.prepared(_SUMS, {"templates": list(template_ids)})]


def words(column: str) -> list[str]:
    """What live users of any partner have as "status", "package" or "error_key", sorted."""
    counts = UserCount.objects.order_by(column).values_list(column, flat=True)
    return [str(word) for word in counts.annotate(sum=Sum("n")).filter(sum__gt=0)]


def fold() -> None:
    """Add up what was appended since the last time, so that reading stays cheap."""
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute(_LOCK)
        if cursor.fetchone()[0]:
            cursor.execute(_FOLD)
