"""What a job is told to do: its parameters, all of them saved before anything is sent."""

from __future__ import annotations

from typing import Any, Protocol

from templates_app.models import OnboardingTemplate


class Profile(Protocol):
    """What of a user goes into a job: a Subscriber, or a row of some of its columns."""

    @property
    def webex_id(self) -> str | None: ...
    @property
    def first_name(self) -> str: ...
    @property
    def last_name(self) -> str: ...
    @property
    def package(self) -> str: ...
    @property
    def primary_phone(self) -> str: ...
    @property
    def mobile_phone(self) -> str: ...
    @property
    def extension(self) -> str: ...


def retry(user: Profile, template: OnboardingTemplate, *, email: str) -> dict[str, Any]:
    """All that a POST needs (a DELETE may come first); `email` as addresses.normalise made it."""
    return {
        "webex_id": user.webex_id,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "package": user.package or template.default_package,
        "primary_phone": user.primary_phone,
        "mobile_phone": user.mobile_phone,
        "extension": user.extension,
        "language": template.language,
        "email": email,
    }


def delete(user: Profile) -> dict[str, Any]:
    """Whom to delete; without a Webex ID the worker looks the user up."""
    return {"webex_id": user.webex_id}


def change_package(user: Profile, *, package: str) -> dict[str, Any]:
    """The wanted package, and the one before it for those who read the job."""
    return {"webex_id": user.webex_id, "package": package, "former": user.package}
