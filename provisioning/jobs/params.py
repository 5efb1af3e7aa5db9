"""What a job is told to do: its parameters, all of them saved before anything is sent.

Some are copied from the user's row as they are (COPIED), which PostgreSQL does for the rows of a
batch; the others are made here.
"""

from __future__ import annotations

from typing import Any

from provisioning.models import Subscriber
from provisioning.states import JobKind
from templates_app.models import OnboardingTemplate

#: Columns of the user by kind. A retry has all that a POST needs: a DELETE may come first.
COPIED: dict[str, tuple[str, ...]] = {
    JobKind.RETRY: (
        *("webex_id", "first_name", "last_name"),
        *("primary_phone", "mobile_phone", "extension"),
    ),
    JobKind.DELETE: ("webex_id",),
    JobKind.PACKAGE: ("webex_id",),
}


def copied(kind: str, user: Subscriber) -> dict[str, Any]:
    """The parameters that are columns of the user."""
    return {name: getattr(user, name) for name in COPIED[kind]}


def for_retry(template: OnboardingTemplate, *, package: str, email: str) -> dict[str, str]:
    """The others of a retry: `package` is the user’s, `email` is normalised."""
    return {
        "package": package or template.default_package,
        "language": template.language,
        "email": email,
    }


def for_package(*, wanted: str, former: str) -> dict[str, str]:
    """The others of a change of package; the former is for those who read the job."""
    return {"package": wanted, "former": former}
