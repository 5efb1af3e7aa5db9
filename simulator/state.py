"""What every request needs to know, kept in memory until it changes.

Accounts, tokens, provisioning IDs and faults change rarely. Each process reads them once and again
when `generation` has grown, which every request asks for first: one small statement, and no process
ever answers by what another one has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import InterfaceError, OperationalError, connection

from simulator import db
from simulator.auth import AccountSettings, Caller
from simulator.fault import LIVE, Fault


@dataclass(frozen=True)
class Home:
    """A provisioning ID: whose it is, and where."""

    id: str
    account_id: int
    region: str
    cluster: str


@dataclass(frozen=True)
class Known:
    """The rarely changing part of the world, as of one generation."""

    generation: int
    callers: dict[str, Caller]
    homes: dict[str, Home]
    faults: tuple[Fault, ...]

    def has_cluster(self, account_id: int) -> bool:
        """Tell whether an account has a BroadWorks cluster."""
        return any(home.account_id == account_id for home in self.homes.values())


@dataclass(frozen=True)
class Opening:
    """What a request finds when it arrives."""

    known: Known
    run: int
    is_due: bool


# Orders make the partial indexes the only cheap way to find what is due.
OPENING = """
    SELECT generation, run, (
            SELECT due_at FROM simulator_subscriber WHERE due_at <= %(now)s
            ORDER BY due_at LIMIT 1
        ) IS NOT NULL OR (
            SELECT assign_at FROM simulator_broadworks_user WHERE assign_at <= %(now)s
            ORDER BY assign_at LIMIT 1
        ) IS NOT NULL AS is_due
    FROM simulator_state WHERE id = 1
"""
TOKENS = """
    SELECT t.token, t.name AS token_name, t.scopes, t.expires_at, a.id, a.name, a.region, a.settings
    FROM simulator_token t JOIN simulator_account a ON a.id = t.account_id
"""
FAULTS = f"SELECT * FROM simulator_fault WHERE {LIVE} ORDER BY id"  # noqa: S608 - own words
_kept: Known | None = None


def opening(now: datetime) -> Opening:
    """Return what a request starts with; survives a database that was restarted since the last."""
    try:
        row = db.one(OPENING, {"now": now}, prepared=True)
    except (OperationalError, InterfaceError):
        connection.close()  # kept from before the restart: nothing has happened yet
        row = db.one(OPENING, {"now": now}, prepared=True)
    assert row is not None  # noqa: S101 - a migration made the row
    return Opening(_known(row["generation"], now), row["run"], row["is_due"])


def changed() -> None:
    """Tell every process that something here has changed, once the transaction is over."""
    db.execute("UPDATE simulator_state SET generation = generation + 1 WHERE id = 1")


def _known(generation: int, now: datetime) -> Known:
    global _kept
    kept = _kept
    if kept is None or kept.generation != generation:
        kept = _kept = _read(generation, now)
    return kept


def _read(generation: int, now: datetime) -> Known:
    homes = db.rows("SELECT id, account_id, region, cluster FROM simulator_provisioning")
    faults = db.rows(FAULTS, {"now": now})
    return Known(
        generation,
        {row["token"]: _caller(row) for row in db.rows(TOKENS)},
        {row["id"]: Home(**row) for row in homes},
        tuple(Fault.from_row(row) for row in faults),
    )


def _caller(row: db.Row) -> Caller:
    return Caller(
        token_name=row["token_name"],
        scopes=frozenset(row["scopes"]),
        expires_at=row["expires_at"],
        account_id=row["id"],
        account_name=row["name"],
        region=row["region"],
        settings=AccountSettings.from_json(row["settings"]),
    )
