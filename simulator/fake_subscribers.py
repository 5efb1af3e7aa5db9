"""One made-up subscriber from its number: everything about it follows from seed and number.

Knows no database; `generate` puts these into it.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from random import Random
from typing import Any

from simulator.errors import BACKEND_DOWN, ErrorBody, cisco, ours
from simulator.names import COMPANIES, LANGUAGES, TRADES, plain

#: Of a thousand subscribers.
USUAL_STATUSES = {
    "provisioned": 880.0,
    "pending_email_input": 60.0,
    "error": 35.0,
    "pending_email_validation": 10.0,
    "pending_user_migration": 10.0,
    "provisioning": 3.0,
    "updating": 2.0,
}
PACKAGES = {"standard": 50, "softphone": 25, "basic": 15, "premium": 10}
#: Codes of an attempt that failed (README, "Rules"); None: our own accident.
ERRORS: dict[int | None, int] = {
    200048: 35,
    200039: 25,
    200045: 10,
    200041: 8,
    200054: 7,
    200040: 5,
    200043: 5,
    None: 5,
}
YEAR = timedelta(days=365)
UNDER_WAY = timedelta(minutes=10)
#: Statuses that end by themselves, as provisioned.
DUE = frozenset({"provisioning", "updating"})
#: Eight digits: 80 million numbers, each once, in no visible order.
FIRST_NUMBER, NUMBERS, STRIDE = 20_000_000, 80_000_000, 48_271
WITHOUT_ADDRESS = frozenset({"pending_email_input"})
USERS_PER_CUSTOMER = 40


@dataclass(frozen=True)
class Customer:
    """An enterprise or a group of the service provider, with its provisioning ID."""

    sp_enterprise_id: str
    provisioning_id: str
    domain: str


@dataclass(frozen=True)
class Person:
    """One subscriber as it will stand in the database, but for the account's own columns."""

    uid: uuid.UUID
    customer: Customer
    user_id: str
    first_name: str
    last_name: str
    email: str
    primary_phone: str
    mobile_phone: str
    extension: str
    package: str
    status: str
    errors: list[ErrorBody]
    self_activated: bool
    created: datetime
    changed: datetime
    due_at: datetime | None
    person_uid: uuid.UUID | None
    consent_token: uuid.UUID | None


@dataclass(frozen=True)
class Population:
    """What to make: how many, for which provisioning IDs and customers, from which seed."""

    provider: str
    provisioning_ids: Sequence[str]
    subscribers: int
    enterprises: int
    seed: str
    now: datetime
    statuses: Mapping[str, float]

    @cached_property
    def mark(self) -> str:
        """Some letters that keep this population's identifiers apart from any other's."""
        told = "\n".join([self.provider, self.seed, *self.provisioning_ids])
        return hashlib.sha256(told.encode()).hexdigest()[:8]

    def customer(self, number: int) -> Customer:
        """Return a customer, 0 to `enterprises` - 1; its provisioning ID never changes."""
        return self._customers(number)

    @cached_property
    def _customers(self) -> Callable[[int], Customer]:
        return lru_cache(maxsize=5000)(self._make_customer)

    def _make_customer(self, number: int) -> Customer:
        luck = Random(f"{self.mark} customer {number}")  # noqa: S311 - no secret
        name = plain(f"{luck.choice(COMPANIES)} {luck.choice(TRADES)}")
        unique = f"{name}-{self.mark}-{number}"
        is_group = luck.random() < 0.8
        home = self.provisioning_ids[number % len(self.provisioning_ids)]
        group_of = f"{self.provider}+" if is_group else ""
        return Customer(f"{group_of}{unique}", home, f"{unique}.example")

    def person(self, number: int) -> Person:
        """Return a subscriber, 0 (the oldest) to `subscribers` - 1 (the newest)."""
        luck = Random(f"{self.mark} {number}")  # noqa: S311 - no secret
        uid = _uuid(luck)  # drawn first: it stays the same when there are more subscribers
        customer = self._customer_of(number, luck)
        language = luck.choice(LANGUAGES)
        first, last = luck.choice(language.first), luck.choice(language.last)
        phone = f"{language.prefix}{FIRST_NUMBER + number * STRIDE % NUMBERS}"
        status = _weighted(self.statuses, luck)
        handle = f"{plain(first)}.{plain(last)}{number}"
        has_phone, has_mobile = luck.random() < 0.85, luck.random() < 0.5
        is_provisioned = status in {"provisioned", "updating"}
        created, changed = self._times(number, status, luck)
        return Person(
            uid=uid,
            customer=customer,
            user_id=f"{phone if luck.random() < 0.7 else handle}@{customer.domain}",
            first_name=first,
            last_name=last,
            email="" if status in WITHOUT_ADDRESS else f"{handle}@{customer.domain}",
            primary_phone=f"+{phone}" if has_phone else "",
            mobile_phone=f"+{language.prefix}4{phone[-8:]}" if has_mobile else "",
            extension="" if has_phone and luck.random() < 0.5 else str(1000 + number % 9000),
            package=_weighted(PACKAGES, luck),
            status=status,
            errors=_errors(luck) if status == "error" else [],
            self_activated=is_provisioned and luck.random() < 0.3,
            created=created,
            changed=changed,
            due_at=self._due_at(status, luck),
            person_uid=_uuid(luck) if is_provisioned else None,
            consent_token=_uuid(luck) if status == "pending_user_migration" else None,
        )

    def _customer_of(self, number: int, luck: Random) -> Customer:
        # Each has a subscriber; beyond that a few are large and most are small.
        if number < self.enterprises:
            return self.customer(number)
        return self.customer(int(self.enterprises * luck.random() ** 2))

    def _times(self, number: int, status: str, luck: Random) -> tuple[datetime, datetime]:
        age = YEAR * ((self.subscribers - number - luck.random()) / self.subscribers)
        # What is under way has begun lately; most others changed soon after they were made.
        since = (
            min(age, UNDER_WAY * luck.random()) if status in DUE else age * (1 - luck.random() ** 4)
        )
        return _cut(self.now - age), _cut(self.now - since)

    def _due_at(self, status: str, luck: Random) -> datetime | None:
        return _cut(self.now + UNDER_WAY * luck.random()) if status in DUE else None


def _cut(moment: datetime) -> datetime:
    """Cut to milliseconds, as all times of the backend are."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _uuid(luck: Random) -> uuid.UUID:
    return uuid.UUID(int=luck.getrandbits(128), version=4)


def _weighted(choices: Mapping[Any, float], luck: Random) -> Any:
    return luck.choices(tuple(choices), tuple(choices.values()))[0]


def _errors(luck: Random) -> list[ErrorBody]:
    code = _weighted(ERRORS, luck)
    return [ours(BACKEND_DOWN) if code is None else cisco(code)]
