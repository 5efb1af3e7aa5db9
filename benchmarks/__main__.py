"""`python -m benchmarks [subject …] [--subscribers N] [--rounds N] [--seconds S] [--quick]`.

One module per subject, named in SUBJECTS. Speed is shown, not asserted: the exit code is 0 unless
a measurement fails.
"""

from __future__ import annotations

import argparse
import os
import sys

from benchmarks import batch, engine, export, machine, screen, simulator, stage, sync, table
from benchmarks.client import MeasurementFailed
from benchmarks.options import Options

SUBJECTS = {
    "simulator": simulator.run,
    "engine": engine.run,
    "sync": sync.run,
    "batch": batch.run,
    "screen": screen.run,
    "export": export.run,
}
QUICK = {"subscribers": 20_000, "rounds": 3, "seconds": 0.5}
FULL = {"subscribers": int(os.environ.get("SUBSCRIBERS") or 1_000_000), "rounds": 5, "seconds": 3.0}


def main(arguments: list[str]) -> int:
    """Measure what is asked for and print a table for each subject."""
    chosen = _parser().parse_args([word for word in arguments if word != "bench"])
    for name, value in (QUICK if chosen.quick else FULL).items():
        if getattr(chosen, name) is None:
            setattr(chosen, name, value)
    cores = machine.share_out()
    stage.tidy_when_stopped()
    cases = tuple(part for part in chosen.cases.split(",") if part)
    options = Options(chosen.subscribers, chosen.rounds, chosen.seconds, cases, cores)
    codes = [_subject(name, options) for name in chosen.subjects or SUBJECTS]
    return max(codes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("subjects", nargs="*", choices=[[], *SUBJECTS], default=[])
    parser.add_argument("--subscribers", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each side of each case in a round")
    parser.add_argument("--cases", default="", help="beginnings of names, with commas between")
    parser.add_argument("--quick", action="store_true", help="20,000 subscribers, short rounds")
    return parser


def _subject(name: str, options: Options) -> int:
    print(f"{name}: {options.subscribers:,} subscribers, {options.rounds} rounds", flush=True)
    try:
        report = SUBJECTS[name](options, _tell)
    except MeasurementFailed as error:
        print(f"\n{name}: the measurement failed: {error}", file=sys.stderr)
        return 1
    print(f"\n{table.show(report.lines, report.header)}")
    print(f"\n{machine.words()}, {report.database}")
    print("\n".join([*report.notes, "", report.meaning]), flush=True)
    return 0


def _tell(text: str) -> None:
    sys.stderr.write(f"\r{text} ")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
