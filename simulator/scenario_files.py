"""Scenario files: finding, reading and judging them. What one may say stands in README."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.names import LANGUAGES, plain
from simulator.world_checks import MEMBERS

Entry = dict[str, Any]
FOLDER = Path(__file__).with_name("scenarios")
#: Settings of an onboarding template that a scenario may wish for.
TEMPLATE_SETTINGS = frozenset(
    {"country", "language", "enterprise_mode", "default_package", "untrusted_emails"}
    | {"allow_self_activation", "provision_admin_first"}
)
#: What else an entry of a person may have beside the members of a BroadWorks user.
PERSON = {"repeat", "every_seconds", "email", "address", "subscriber", "expect", "told_password"}


def _of_world(section: str) -> set[str]:
    # The scenario is told where it is played: no entry says so itself.
    return set(MEMBERS[section]) - {"provisioning_id"}


ENTRY_MEMBERS = {
    "enterprises": _of_world("enterprises") | {"other_template"},
    "people": _of_world("broadworks_users") | PERSON,
    "addresses": _of_world("addresses"),
    "subscribers": _of_world("subscribers"),
}
#: Members of a person in which `{name}` stands for first.last.
NAMED = frozenset({"user_id", "email"})
NEEDED = {
    "enterprises": {"id"},
    "people": {"user_id", "enterprise"},
    "addresses": {"email", "kind"},
    "subscribers": {"user_id", "enterprise"},
}


class ScenarioError(ValueError):
    """A scenario that does not exist or makes no sense; the text says why."""


@dataclass(frozen=True)
class Scenario:
    """A scenario as its file tells it, with everyone who is repeated written out."""

    name: str
    title: str
    story: str
    watch: list[str]
    password: str
    seed: str = ""
    template: Entry = field(default_factory=dict)
    enterprises: list[Entry] = field(default_factory=list)
    people: list[Entry] = field(default_factory=list)
    addresses: list[Entry] = field(default_factory=list)
    subscribers: list[Entry] = field(default_factory=list)
    faults: list[Entry] = field(default_factory=list)


def names(folder: Path = FOLDER) -> list[str]:
    """Return the names of all scenarios, in alphabetical order."""
    return sorted(file.stem for file in folder.glob("*.toml"))


def read(name: str, folder: Path = FOLDER) -> Scenario:
    """Read a scenario; raises ScenarioError, with the file's name and what is wrong with it."""
    if name not in names(folder):
        known = ", ".join(names(folder))
        raise ScenarioError(f"there is no scenario {name!r}; there are: {known}")
    try:
        document = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
        scenario = _scenario(name, document)
        for complaint in complaints(scenario):
            raise ScenarioError(complaint)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        words = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise ScenarioError(f"{name}.toml: {words}") from error
    return scenario


def _scenario(name: str, document: Entry) -> Scenario:
    if unknown := sorted(document.keys() - (Scenario.__dataclass_fields__.keys() - {"name"})):
        raise ScenarioError(f"unknown sections: {', '.join(unknown)}")
    if missing := [key for key in ("title", "story", "watch", "password") if not document.get(key)]:
        raise ScenarioError(f"missing: {', '.join(missing)}")
    people = _with_names(name, _everyone(document.get("people", [])))
    return Scenario(**(document | {"name": name, "people": people}))


def _everyone(entries: list[Entry]) -> Iterator[Entry]:
    """Write out who is repeated; `{n}` counts them, from 1."""
    for entry in entries:
        once = {key: entry[key] for key in entry.keys() - {"repeat", "every_seconds"}}
        if "repeat" not in entry:
            yield once
        for number in range(1, entry.get("repeat", 0) + 1):
            yield _delayed(_numbered(once, number), entry.get("every_seconds", 0) * (number - 1))


def _numbered(value: Any, number: int) -> Any:
    if isinstance(value, str):
        return value.replace("{n}", str(number)).replace("{nn}", f"{number:02}")
    if isinstance(value, dict):
        return {key: _numbered(item, number) for key, item in value.items()}
    return value


def _delayed(entry: Entry, seconds: float) -> Entry:
    late = {key: entry[key] + seconds for key in entry if key.endswith("assign_after_seconds")}
    return entry | late


def _with_names(name: str, people: Iterator[Entry]) -> list[Entry]:
    """Name who has no name, always alike, and write it into addresses: `{name}`."""
    dice = random.Random(name)  # noqa: S311 - no secret
    found = []
    for person in people:
        language = dice.choice(LANGUAGES)
        drawn = {"first_name": dice.choice(language.first), "last_name": dice.choice(language.last)}
        named = person if "first_name" in person else drawn | person
        mail = f"{plain(named['first_name'])}.{plain(named['last_name'])}"
        found.append(named | {k: named[k].replace("{name}", mail) for k in NAMED & named.keys()})
    return found


def complaints(scenario: Scenario) -> Iterator[str]:
    """Yield what is wrong with a scenario, in words for whoever writes it."""
    if unknown := sorted(scenario.template.keys() - TEMPLATE_SETTINGS):
        yield f"template: unknown settings: {', '.join(unknown)}"
    for section, members in ENTRY_MEMBERS.items():
        for number, entry in enumerate(getattr(scenario, section), start=1):
            if unknown := sorted(entry.keys() - members):
                yield f"{section}: entry {number}: unknown members: {', '.join(unknown)}"
            if missing := sorted(NEEDED[section] - entry.keys()):
                yield f"{section}: entry {number}: missing: {', '.join(missing)}"
    yield from _wrong_mode(scenario)
    yield from _strangers(scenario)
    yield from _doubles(scenario)
    yield from _foreign_domains(scenario)


def _wrong_mode(scenario: Scenario) -> Iterator[str]:
    # A template serves enterprises or groups, never both (Cisco's solution guide).
    is_enterprise = scenario.template.get("enterprise_mode", True)
    for entry in scenario.enterprises:
        if ("+" in entry["id"]) == is_enterprise:
            wanted = "an enterprise (no +)" if is_enterprise else "a group (provider+group)"
            yield f"{entry['id']}: {wanted} expected, by the template's enterprise_mode"


def _strangers(scenario: Scenario) -> Iterator[str]:
    customers = {entry["id"] for entry in scenario.enterprises}
    for entry in [*scenario.people, *scenario.subscribers]:
        if entry.get("enterprise") not in customers:
            yield f"{entry['user_id']}: no such enterprise: {entry.get('enterprise')}"


def _doubles(scenario: Scenario) -> Iterator[str]:
    for member in sorted(NAMED):
        seen: set[str] = set()
        for person in scenario.people:
            value = person.get(member, "").lower()
            if value and value in seen:
                yield f"two people have the {member} {value}"
            seen.add(value)


def _foreign_domains(scenario: Scenario) -> Iterator[str]:
    for entry in [*scenario.people, *scenario.addresses, *scenario.subscribers]:
        for member in sorted(NAMED):
            if member in entry and not entry[member].endswith(".example"):
                yield f"{entry[member]}: only domains that end in .example belong to nobody"
