"""What a scenario is in one account, under one provisioning ID: world document, faults, logins.

Everything in it is named so that it meets nobody else's: domains and customers bear a tag that
follows from the scenario and the provisioning ID.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from simulator.scenario_files import PERSON, Scenario

Entry = dict[str, Any]
#: Times of entries that `pace` stretches; those of answers (delays, Retry-After) stay.
SCALED = frozenset(
    {"assign_after_seconds", "unassign_after_seconds", "after_seconds", "for_seconds"}
)
#: End of the provisioning ID of a template that is not the scenario's.
OTHER = "-other"
#: Statuses in which Webex does not know an address yet.
WITHOUT_ADDRESS = frozenset({"pending_email_input"})


@dataclass(frozen=True)
class Place:
    """Where a scenario is played: `pace` 2 is twice as slow, 0.1 ten times as fast."""

    account: str
    token_name: str
    provisioning_id: str
    cluster: str
    region: str
    seed: str
    pace: float = 1.0

    def tag(self, name: str) -> str:
        """Return what makes a scenario's names differ from those of others, and elsewhere."""
        return hashlib.sha256(f"{name} {self.provisioning_id}".encode()).hexdigest()[:4]

    def domain(self, name: str) -> str:
        """Return how every domain of a scenario ends here."""
        return f"-{self.tag(name)}.example"


@dataclass(frozen=True)
class Plan:
    """A scenario in its place."""

    scenario: Scenario
    place: Place

    @property
    def domain(self) -> str:
        """How every domain of the scenario ends."""
        return self.place.domain(self.scenario.name)

    def world(self) -> dict[str, list[Entry]]:
        """Return the world document, without the account, which is there already."""
        people = self.scenario.people
        addresses = [p["address"] | {"email": p["email"]} for p in people if "address" in p]
        subscribers = [self._subscriber(person) for person in people if "subscriber" in person]
        document = {
            "provisioning_ids": self._homes(),
            "enterprises": [self._enterprise(entry) for entry in self.scenario.enterprises],
            "broadworks_users": [self._user(person) for person in people],
            "addresses": [*addresses, *self.scenario.addresses],
            "subscribers": [*subscribers, *map(self._at_home, self.scenario.subscribers)],
        }
        return {name: [self._named(entry) for entry in found] for name, found in document.items()}

    def faults(self) -> list[Entry]:
        """Return the bodies of `POST faults`; the seed of each follows from the scenario's."""
        return [
            self._fault(number, entry) for number, entry in enumerate(self.scenario.faults, start=1)
        ]

    def logins(self) -> list[dict[str, str]]:
        """Return the logins to try: the password that each was told, and what comes of it."""
        return [
            {
                "user_id": self._here(person["user_id"]),
                "password": person.get("told_password") or self._password(person),
                "expect": str(person["expect"]),
                "email": self._here(person.get("email", "")),
                "name": f"{person['first_name']} {person['last_name']}",
            }
            for person in self.scenario.people
            if "expect" in person
        ]

    def _homes(self) -> list[Entry]:
        place = self.place
        names = [place.provisioning_id]
        if any(entry.get("other_template") for entry in self.scenario.enterprises):
            names.append(self._other_home())
        home = {"account": place.account, "region": place.region, "cluster": place.cluster}
        return [home | {"id": name} for name in names]

    def _other_home(self) -> str:
        return self.place.provisioning_id + OTHER

    def _enterprise(self, entry: Entry) -> Entry:
        is_other = entry.get("other_template", False)
        home = self._other_home() if is_other else self.place.provisioning_id
        kept = {key: value for key, value in entry.items() if key != "other_template"}
        return kept | {"provisioning_id": home}

    def _at_home(self, entry: Entry) -> Entry:
        return {"provisioning_id": self.place.provisioning_id} | entry

    def _user(self, person: Entry) -> Entry:
        """Return the BroadWorks user; one whose ID is a number has it as telephone number."""
        local = person["user_id"].partition("@")[0]
        numbers = {"number": f"+{local}", "extension": local[-4:]} if local.isdecimal() else {}
        rest = {key: value for key, value in person.items() if key not in PERSON}
        default = {"password": self._password(person), "im_p": "subscriber" in person}
        return self._at_home(numbers | default | rest)

    def _password(self, person: Entry) -> str:
        return str(person.get("password", self.scenario.password))

    def _subscriber(self, person: Entry) -> Entry:
        entry = person["subscriber"]
        knows = entry.get("status", "provisioned") not in WITHOUT_ADDRESS
        default = {
            "user_id": person["user_id"],
            "enterprise": person["enterprise"],
            "email": person.get("email", "") if knows else "",
            "package": person.get("package", "standard"),
        }
        return self._at_home(default | entry)

    def _fault(self, number: int, entry: Entry) -> Entry:
        default = {
            "token_name": self.place.token_name,
            "seed": f"{self.place.seed}/{number}",
        }
        # A login has no token: the user IDs tell whose it is.
        if entry.get("operation") == "login":
            default |= {"token_name": "*", "contains": self.domain}
        return self._named(default | entry)

    def _named(self, entry: Entry) -> Entry:
        """Return the entry with its names and times as they are in this place."""
        found = dict(entry)
        for member in ("user_id", "email", "contains"):
            if member in found:
                found[member] = self._here(found[member])
        for member in ("id", "enterprise"):
            if isinstance(found.get(member), str) and "account" not in found:
                found[member] = self._customer(found[member])
        for member in SCALED & found.keys():
            found[member] *= self.place.pace
        return found

    def _here(self, name: str) -> str:
        if name.endswith(self.domain):
            return name
        head, dot, tail = name.rpartition(".example")
        return f"{head}{self.domain}{tail}" if dot else name

    def _customer(self, name: str) -> str:
        provider, plus, group = name.partition("+")
        return f"{provider}-{self.place.tag(self.scenario.name)}{plus}{group}"
