"""`python -m simulator generate`: progress and closing words."""

from __future__ import annotations

import argparse
import sys
import time

from simulator import generate
from simulator.calls import utc_now


def run(options: argparse.Namespace) -> int:
    """Generate; returns the exit code."""
    start = time.monotonic()

    def tell(done: int) -> None:
        rate = done / max(time.monotonic() - start, 0.001)
        end = "\n" if done == options.subscribers else ""
        sys.stderr.write(f"\r{done:,} of {options.subscribers:,}, {rate:,.0f} a second{end}")
        sys.stderr.flush()

    try:
        made = generate.generate(_wish(options), utc_now(), tell)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    there = options.subscribers - made
    sys.stdout.write(f"made {made:,} subscribers; {there:,} were there already\n")
    return 0


def _wish(options: argparse.Namespace) -> generate.Wish:
    return generate.Wish(
        options.subscribers,
        token=options.token,
        provisioning_ids=tuple(options.provisioning_id),
        enterprises=options.enterprises,
        seed=options.seed,
        password=options.password,
        statuses=_shares(options.statuses),
    )


def _shares(text: str) -> dict[str, float]:
    parts = [part.partition("=") for part in text.split(",") if part]
    return {status.strip(): float(share) for status, _, share in parts}
