"""Who is in which state: the users of each demo template."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from partnerhub.demo.names import Company, ascii_name, person
from provisioning.catalogue import CATALOGUE
from provisioning.states import Status

HOUR, DAY = 3600, 86400
#: Errors of addresses: another address cures them.
ADDRESS_ERRORS = ["200042", "200039", "200048", "200045", "200041"]
PACKAGES = ["standard"] * 6 + ["basic"] * 2 + ["premium"] + ["softphone"]


@dataclass(frozen=True)
class Cast:
    """What one template's users are made of."""

    domain: str
    number_prefix: str
    digits: int
    service_provider: str
    provisioning_id: str
    enterprise_mode: bool
    companies: list[Company]
    first_names: list[str]
    last_names: list[str]
    statuses: Mapping[Status, int]
    cured_by_address: int = 0
    codes: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


def cisco_codes() -> list[str]:
    """Every code of Cisco's that we explain and that can stand on a subscriber."""
    login_only = {"100006", "200010", "200016", "200018", "200019", "200022"}
    return [code for code in CATALOGUE if code.isdigit() and code not in login_only]


def enterprise_of(cast: Cast, company: Company) -> str:
    """The spEnterpriseId: the enterprise, or service provider and group (domain.md 6)."""
    if cast.enterprise_mode:
        return company.key
    return f"{cast.service_provider}+{company.key}"


def users(cast: Cast, seed: int) -> Iterator[dict[str, Any]]:
    """World entries of all subscribers of a template, the same at every run."""
    dice = random.Random(seed)  # noqa: S311 -- demo data
    numbers = dice.sample(range(10**4, 9 * 10**4), 2000)
    for index, (status, errors, changed) in enumerate(_fates(cast, dice)):
        company = cast.companies[index % len(cast.companies)]
        first, last = person(dice, cast.first_names, cast.last_names)
        number = f"{cast.number_prefix}{numbers[index]:0{cast.digits}d}"
        has_address = status != Status.WAITING_ADDRESS
        address = f"{ascii_name(first)}.{ascii_name(last)}@{company.domain}"
        yield {
            "user_id": f"{number}@{cast.domain}",
            "provisioning_id": cast.provisioning_id,
            "enterprise": enterprise_of(cast, company),
            "first_name": first,
            "last_name": last,
            "email": address if has_address else "",
            "package": dice.choice(PACKAGES),
            "status": str(status),
            "errors": errors,
            "primary_phone": f"+{number}",
            "extension": number[-4:],
            "self_activated": status == Status.PROVISIONED and dice.random() < 0.3,
            "age_seconds": changed + dice.randrange(1, 20 * DAY),
            "changed_seconds_ago": changed,
        }


def _fates(cast: Cast, dice: random.Random) -> Iterator[tuple[str, list[Any], int]]:
    """Status, errors and age; the curable errors are the newest, so they stand first."""
    for index in range(cast.cured_by_address):
        code = ADDRESS_ERRORS[index % 3]
        yield Status.ERROR, [int(code)], 120 + 75 * index
    for code in cast.codes:
        yield Status.ERROR, [int(code)], dice.randrange(HOUR, 9 * DAY)
    for text in cast.texts:
        yield Status.ERROR, [text], dice.randrange(HOUR, 2 * DAY)
    for status, count in cast.statuses.items():
        for _ in range(count):
            youngest, oldest = _AGES.get(status, (DAY, 90 * DAY))
            yield status, [], dice.randrange(youngest, oldest)


_AGES: dict[str, tuple[int, int]] = {
    Status.PROVISIONED: (2 * HOUR, 120 * DAY),
    Status.WAITING_ADDRESS: (HOUR, 18 * DAY),
    Status.WAITING_CONFIRMATION: (HOUR, 4 * DAY),
    Status.WAITING_CONSENT: (4 * HOUR, 6 * DAY),
    Status.PROVISIONING: (20, 300),
    Status.UPDATING: (10, 120),
}
