"""`python -m simulator scenario`: tell what there is, or play one and say how to begin."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from typing import Any

from simulator import scenarios
from simulator.calls import utc_now
from simulator.scenarios import Wish


def run(options: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    try:
        text = _play(options) if options.name else _listed()
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{text}\n")
    return 0


def _listed() -> str:
    return "\n".join(
        f"{item['name']:22}{item['title']}: {item['description']}" for item in scenarios.catalogue()
    )


def _play(options: argparse.Namespace) -> str:
    wish = Wish(options.token, options.provisioning_id, options.seed, options.pace)
    if not wish.token and wish.provisioning_id:
        raise ValueError("a --provisioning-id needs the --token of its account")
    if not wish.token:
        place = scenarios.make_place(options.name)
        wish = dataclasses.replace(wish, token=place.token, provisioning_id=place.provisioning_id)
    return _told(scenarios.load(options.name, wish, utc_now()), wish)


def _told(answer: dict[str, Any], wish: Wish) -> str:
    counts = ", ".join(f"{n} {name}" for name, n in answer["loaded"].items() if n)
    settings = ", ".join(f"{name}={value}" for name, value in answer["template"].items())
    logins = [
        f"  {login['user_id']}  {login['password']}  -> {login['expect']}"
        for login in answer["logins"]
    ]
    lines = [
        f"{answer['title']}: {counts}, {answer['faults']} faults",
        f"token            {wish.token}",
        f"provisioning ID  {wish.provisioning_id}",
        f"seed             {answer['seed']}",
        f"template         {settings or 'any'}",
    ]
    return "\n".join([*lines, *(["logins", *logins] if logins else [])])
