"""Many made-up subscribers for scale work: as many as wanted, in constant memory.

Each chunk is committed by itself. What exists already stays as it is, so a run that was cut short
goes on where it ended when it is started again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from psycopg2.extras import execute_values

from simulator import db, world
from simulator.fake_subscribers import (
    NUMBERS,
    USERS_PER_CUSTOMER,
    USUAL_STATUSES,
    Customer,
    Person,
    Population,
)
from simulator.state import Home

CHUNK = 5_000
GROWN = "simulator_subscriber, simulator_broadworks_user, simulator_enterprise, simulator_mail"
#: Made when the caller names none.
DEFAULT_TOKEN, DEFAULT_ACCOUNT = "generated", "Generated"
DEFAULT_HOMES = ("generated-1", "generated-2", "generated-3")

ENTERPRISES = """
    INSERT INTO simulator_enterprise
        (uid, org_uid, sp_enterprise_id, provisioning_id, cluster, is_enterprise, "group", region,
         problem)
    SELECT gen_random_uuid(), gen_random_uuid(), v.id, v.home, v.cluster, v.id NOT LIKE '%%+%%',
           '', '', ''
    FROM (VALUES %s) AS v (id, home, cluster)
    ON CONFLICT (cluster, sp_enterprise_id) DO NOTHING
"""
SUBSCRIBERS = """
    WITH v (uid, account, home, cluster, e, u, k, f, l, mail, p, m, x, pk, status, errors, self,
            made, changed, due, due_status, person, consent) AS (VALUES %s),
    made AS (
        INSERT INTO simulator_subscriber
            (uid, account_id, provisioning_id, cluster, sp_enterprise_id, user_id, user_key, keyed,
             first_name, last_name, email, email_key, primary_phone, mobile_phone, extension,
             timezone, language, package, status, errors, self_activated, created,
             last_status_change, due_at, due_status, person_uid, due_errors, changes)
        SELECT uid, account, home, cluster, e, u, k, true, f, l, mail, mail, p, m, x, '', '', pk,
               status, errors::jsonb, self, made, changed, due::timestamptz, due_status,
               person::uuid, '[]', '{}'
        FROM v ON CONFLICT DO NOTHING RETURNING uid
    ), mails AS (
        INSERT INTO simulator_mail (token, subscriber_uid, account_id, "to", user_id, sent_at)
        SELECT consent::uuid, uid, account, mail, u, changed
        FROM v JOIN made USING (uid) WHERE consent IS NOT NULL
        ON CONFLICT (token) DO NOTHING  -- the subscriber was removed meanwhile, its mail was not
    )
    SELECT count(*) FROM made
"""
ACCOUNT = """
    SELECT a.id, a.name FROM simulator_account a JOIN simulator_token t ON t.account_id = a.id
    WHERE t.token = %s
"""
USERS = """
    INSERT INTO simulator_broadworks_user
        (user_key, user_id, password, first_name, last_name, sp_enterprise_id, provisioning_id,
         "group", number, extension, mobile, package, im_p, locked, locked_answer, answer_status,
         failures, max_failures)
    SELECT user_key, user_id, %s, first_name, last_name, sp_enterprise_id, provisioning_id,
           '', primary_phone, extension, mobile_phone, package, true, false, 'plain', 200, 0, 5
    FROM simulator_subscriber WHERE uid = ANY(%s) ON CONFLICT (user_key) DO NOTHING
"""


@dataclass(frozen=True)
class Wish:
    """What to generate; what is named must exist, what is not is made."""

    subscribers: int
    token: str = ""
    provisioning_ids: Sequence[str] = ()
    enterprises: int = 0  # 0: one for every 40 subscribers
    seed: str = "1"
    password: str = ""  # empty: no BroadWorks logins
    statuses: Mapping[str, float] = field(default_factory=dict)  # shares; none: the usual ones

    def check(self) -> None:
        """Raise ValueError for a wish that makes no sense."""
        if not 1 <= self.subscribers <= NUMBERS:
            raise ValueError(f"subscribers: 1 to {NUMBERS:,} expected")
        if self.enterprises < 0:
            raise ValueError("enterprises: a number of them expected, 0 for the usual")
        if unknown := sorted(self.statuses.keys() - USUAL_STATUSES.keys()):
            raise ValueError(f"statuses: unknown {', '.join(unknown)}")
        shares = self.statuses.values()
        if shares and (min(shares) < 0 or not 0 < sum(shares) < math.inf):
            raise ValueError("statuses: shares above 0 expected")


@dataclass(frozen=True)
class Target:
    """Where they go: an account and some of its provisioning IDs."""

    account_id: int
    provider: str
    homes: dict[str, Home]


def generate(wish: Wish, now: datetime, tell: Callable[[int], None] = lambda done: None) -> int:
    """Make the subscribers that are not there yet; returns how many were made.

    `tell` gets the number of subscribers seen to after each committed chunk. Raises ValueError
    for a token or a provisioning ID that does not exist, or a wish that makes no sense.
    """
    wish.check()
    target = _target(wish, now)
    people = Population(
        target.provider,
        sorted(target.homes),
        wish.subscribers,
        min(wish.enterprises or -(-wish.subscribers // USERS_PER_CUSTOMER), wish.subscribers),
        wish.seed,
        now,
        wish.statuses or USUAL_STATUSES,
    )
    made = 0
    for start in range(0, wish.subscribers, CHUNK):
        end = min(start + CHUNK, wish.subscribers)
        with transaction.atomic():
            made += _chunk(people, target, range(start, end), wish.password)
        tell(end)
    db.execute(f"ANALYZE {GROWN}")  # tables that grew at once have old statistics
    return made


def _chunk(people: Population, target: Target, numbers: range, password: str) -> int:
    customers = (people.customer(number) for number in numbers if number < people.enterprises)
    db.insert_many(ENTERPRISES, [_enterprise(customer, target) for customer in customers])
    values = [_subscriber(people.person(number), target) for number in numbers]
    made = _insert_counting(values)
    if password:
        db.execute(USERS, [password, [uid for uid, *_ in values]])
    return made


def _insert_counting(values: list[Sequence[Any]]) -> int:
    with connection.wrap_database_errors, connection.cursor() as cursor:
        counts = execute_values(cursor.cursor, SUBSCRIBERS, values, page_size=1000, fetch=True)
    return sum(count for (count,) in counts)


def _enterprise(customer: Customer, target: Target) -> Sequence[str]:
    home = target.homes[customer.provisioning_id]
    return customer.sp_enterprise_id, home.id, home.cluster


def _subscriber(person: Person, target: Target) -> Sequence[Any]:
    customer = person.customer
    return (
        person.uid,
        target.account_id,
        customer.provisioning_id,
        target.homes[customer.provisioning_id].cluster,
        customer.sp_enterprise_id,
        person.user_id,
        person.user_id.lower(),
        person.first_name,
        person.last_name,
        person.email,
        person.primary_phone,
        person.mobile_phone,
        person.extension,
        person.package,
        person.status,
        db.dumps(person.errors),
        person.self_activated,
        person.created,
        person.changed,
        person.due_at,
        "provisioned" if person.due_at else "",
        person.person_uid,
        person.consent_token,
    )


def _target(wish: Wish, now: datetime) -> Target:
    account = db.one(ACCOUNT, [wish.token or DEFAULT_TOKEN])
    if account is None and not wish.token:
        _make_default_account(now)
        account = db.one(ACCOUNT, [DEFAULT_TOKEN])
    if account is None:
        raise ValueError("no account has this token")
    homes = _homes(account["id"])
    if unknown := sorted(set(wish.provisioning_ids) - homes.keys()):
        raise ValueError(f"{account['name']} has no provisioning ID {', '.join(unknown)}")
    if not homes:
        raise ValueError(f"{account['name']} has no provisioning ID")
    wanted = set(wish.provisioning_ids) or homes.keys()
    return Target(account["id"], account["name"], {name: homes[name] for name in wanted})


def _homes(account_id: int) -> dict[str, Home]:
    sql = "SELECT id, account_id, region, cluster FROM simulator_provisioning WHERE account_id = %s"
    return {row["id"]: Home(**row) for row in db.rows(sql, [account_id])}


def _make_default_account(now: datetime) -> None:
    entries = {
        "accounts": [{"token": DEFAULT_TOKEN, "name": DEFAULT_ACCOUNT}],
        "provisioning_ids": [{"id": home, "account": DEFAULT_ACCOUNT} for home in DEFAULT_HOMES],
    }
    world.load(entries, now)
