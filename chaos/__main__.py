"""`python -m chaos [--seed N] [--faults F1,F7] [--smoke] [--scale 0.1]`, or `… soak`.

Exit code 0: everything that was run is right; 1: something is wrong, and the history and logs of
that run are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
from dataclasses import asdict
from pathlib import Path

import django

from chaos import stage, table
from chaos.options import TIME_SCALE, Options
from partnerhub.local.bootstrap import ROOT


def main(arguments: list[str]) -> int:
    """Play what is asked for and print the table, also when it is broken off."""
    options = _options(arguments)
    began = time.monotonic()
    lines: list[table.Line] = []
    try:
        code = _play(options, lines)
    except KeyboardInterrupt:
        code = 130
    if options.report:
        told = [asdict(line) | {"verdict": line.verdict} for line in lines]
        options.report.write_text(json.dumps(told))
    if lines:
        _tell_all(options, lines, time.monotonic() - began)
    return code or int(any(line.problems for line in lines))


def _play(options: Options, lines: list[table.Line]) -> int:
    with stage.opened(options) as opened:
        os.environ.update(opened.environment)
        django.setup()
        from chaos import session

        try:
            wanted = session.numbers(options)
        except KeyError as error:
            print(f"There is no fault {error}.", file=sys.stderr)
            return 2
        print(f"seed {options.seed}, durations × {options.scale}", flush=True)
        session.prepare()
        for line in session.play(opened, wanted, _tell):
            lines.append(line)
            if not line.not_run:
                print(table.words(line), flush=True)
    return 0


def _options(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="chaos")
    parser.add_argument("what", nargs="?", choices=["chaos", "soak"], default="chaos")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or 0))
    parser.add_argument("--faults", default=os.environ.get("FAULTS", ""), help="F1,F7")
    parser.add_argument("--smoke", action="store_true", help="the short set of `make test-long`")
    parser.add_argument("--scale", type=float, default=TIME_SCALE, help="of all durations")
    parser.add_argument("--report", type=Path, help="write the results there, as JSON")
    chosen = parser.parse_args(arguments)
    return Options(
        seed=chosen.seed or secrets.randbelow(1_000_000) + 1,
        faults=tuple(part.strip().upper() for part in chosen.faults.split(",") if part.strip()),
        smoke=chosen.smoke,
        scale=chosen.scale,
        kept=ROOT / ".run" / "chaos",
        report=chosen.report,
        soak_minutes=float(os.environ.get("SOAK_MINUTES") or 60) * (chosen.what == "soak"),
    )


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _tell_all(options: Options, lines: list[table.Line], seconds: float) -> None:
    print(f"\n{table.show(lines)}\n\n{table.MEANING}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {seconds / 60:.1f} minutes")
    for line in filter(lambda one: one.problems, lines):
        again = "make soak" if options.soak_minutes else f"make chaos FAULTS={line.number}"
        print(f"replay: {again} SEED={options.seed}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
