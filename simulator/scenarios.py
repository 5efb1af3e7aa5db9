"""Loading a scenario into an account; loaded again, it starts anew.

What belongs to a scenario is everything of its customers, its users and its addresses. Nothing else
is ever touched, but for faults of an earlier scenario in the same account.
"""

from __future__ import annotations

import secrets
import uuid
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from simulator import control_faults, db, scenario_files, state, world
from simulator.calls import utc_now
from simulator.scenario_files import Scenario, ScenarioError
from simulator.scenario_plan import OTHER, Place, Plan

Entry = dict[str, Any]
FASTEST, SLOWEST = 0.001, 1000.0


@dataclass(frozen=True)
class Wish:
    """Where and how to play: `seed` empty = the scenario's own."""

    token: str
    provisioning_id: str
    seed: str = ""
    pace: float = 1.0


ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('scenario', 0))"
ACCOUNT = """
    SELECT a.id, a.name, a.region, t.name AS token_name
    FROM simulator_token t JOIN simulator_account a ON a.id = t.account_id WHERE t.token = %s
"""
HOME = "SELECT account_id, region, cluster FROM simulator_provisioning WHERE id = %s"
#: One scenario runs at a time: its start ends the faults of the one before, in any account.
FORGET_FAULTS = "DELETE FROM simulator_fault WHERE scenario <> ''"
FORGET_COUNTS = """
    DELETE FROM simulator_fault_count WHERE fault_id NOT IN (SELECT id FROM simulator_fault)
"""
FORGET = (
    # First, in the one order in which rows are locked, what somebody may be at work on.
    """
    SELECT id FROM simulator_subscriber WHERE account_id = %(account)s
    AND (user_key = ANY(%(users)s) OR sp_enterprise_id = ANY(%(enterprises)s))
    ORDER BY id FOR UPDATE
    """,
    """
    DELETE FROM simulator_mail WHERE subscriber_uid IN (
        SELECT uid FROM simulator_subscriber WHERE account_id = %(account)s
        AND (user_key = ANY(%(users)s) OR sp_enterprise_id = ANY(%(enterprises)s)))
    """,
    """
    DELETE FROM simulator_subscriber WHERE account_id = %(account)s
    AND (user_key = ANY(%(users)s) OR sp_enterprise_id = ANY(%(enterprises)s))
    """,
    "DELETE FROM simulator_broadworks_user WHERE user_key = ANY(%(users)s)",
    "DELETE FROM simulator_address WHERE email_key = ANY(%(addresses)s)",
)
# Who waits for consent has had the mail that asks for it.
MAILS = """
    INSERT INTO simulator_mail (token, subscriber_uid, account_id, "to", user_id, sent_at)
    SELECT gen_random_uuid(), uid, account_id, email, user_id, last_status_change
    FROM simulator_subscriber WHERE account_id = %(account)s AND user_key = ANY(%(users)s)
    AND status = 'pending_user_migration' ORDER BY id
"""
OWN = f"""
    SELECT t.token, p.id FROM simulator_account a JOIN simulator_token t ON t.account_id = a.id
    JOIN simulator_provisioning p ON p.account_id = a.id
    WHERE a.name = %s AND p.id NOT LIKE '%%{OTHER}' ORDER BY t.token, p.id LIMIT 1
"""  # noqa: S608 - own words
MARK = "UPDATE simulator_state SET scenario = %s, since = %s WHERE id = 1 RETURNING run"


def catalogue() -> list[Entry]:
    """Return what there is to play."""
    found = map(scenario_files.read, scenario_files.names())
    return [
        {"name": s.name, "title": s.title, "description": s.story, "watch": s.watch} for s in found
    ]


def load(name: str, wish: Wish, now: datetime) -> Entry:
    """Load a scenario, or start it anew, in one transaction; returns what it brought.

    Raises ScenarioError or WorldError for what cannot be, and then nothing is changed.
    """
    scenario = scenario_files.read(name)
    with transaction.atomic():
        db.execute(ONE_AT_A_TIME)
        account = _account(wish)
        place = _place(scenario, account, wish)
        plan = Plan(scenario, place)
        document = plan.world()
        _forget(plan, document, account["id"])
        loaded = world.load(document, now)
        users = [entry["user_id"].lower() for entry in document["broadworks_users"]]
        db.execute(MAILS, {"account": account["id"], "users": users})
        faults = control_faults.insert(plan.faults(), now, scenario=name)
        run = db.rows(MARK, [name, now])[0]["run"]
        state.changed()
    return {
        "name": name,
        "title": scenario.title,
        "loaded": loaded,
        "faults": len(faults),
        "template": scenario.template,
        "logins": plan.logins(),
        "provisioning_id": place.provisioning_id,
        "seed": place.seed,
        "run": run,
    }


def make_place(name: str) -> Wish:
    """Return token and provisioning ID of an account of this scenario's own, made if missing."""
    scenario = scenario_files.read(name)
    account = f"Rehearsal: {scenario.title}"
    if found := db.one(OWN, [account]):
        return Wish(found["token"], found["id"])
    home = b64encode(f"{uuid.uuid4()}:{uuid.uuid4()}".encode()).decode().rstrip("=")
    wish = Wish(secrets.token_urlsafe(24), home)
    document = {
        "accounts": [{"token": wish.token, "name": account, "region": "eu"}],
        "provisioning_ids": [{"id": home, "account": account}],
    }
    world.load(document, utc_now())
    return wish


def _account(wish: Wish) -> db.Row:
    if not wish.token:
        raise ScenarioError("token is missing: the API token of the account to play in")
    account = db.one(ACCOUNT, [wish.token])
    if account is None:
        raise ScenarioError("the token belongs to no account; make one by POST /_control/world")
    return account


def _place(scenario: Scenario, account: db.Row, wish: Wish) -> Place:
    if not wish.provisioning_id:
        raise ScenarioError("provisioning_id is missing: the one to play under, made if missing")
    if not FASTEST <= wish.pace <= SLOWEST:
        raise ScenarioError(f"pace is a factor on all times, from {FASTEST} to {SLOWEST:g}")
    home = db.one(HOME, [wish.provisioning_id])
    if home and home["account_id"] != account["id"]:
        raise ScenarioError("the provisioning ID belongs to another account than the token")
    return Place(
        account=account["name"],
        token_name=account["token_name"],
        provisioning_id=wish.provisioning_id,
        cluster=home["cluster"] if home else f"cluster of {account['name']}",
        region=home["region"] if home else account["region"],
        seed=wish.seed or scenario.seed or scenario.name,
        pace=wish.pace,
    )


def _forget(plan: Plan, document: dict[str, list[Entry]], account_id: int) -> None:
    values = {
        "account": account_id,
        "users": [entry["user_id"].lower() for entry in document["broadworks_users"]],
        "enterprises": [entry["id"] for entry in document["enterprises"]],
        "addresses": [entry["email"].lower() for entry in document["addresses"]],
    }
    for statement in FORGET:
        db.execute(statement, values)
    for statement in (FORGET_FAULTS, FORGET_COUNTS):
        db.execute(statement)
