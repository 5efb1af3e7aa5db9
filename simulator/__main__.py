"""`python -m simulator prepare | serve | load | generate | judge | scenario …`."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

#: Commands with a module of their own, which has `run(options)`.
MODULES = {
    "generate": "simulator.generate_command",
    "judge": "simulator.judge_report",
    "scenario": "simulator.scenario_command",
}
OTHER_VERSION = """\
Another version of the simulator made this database. It has migrations that are not here:
{names}.
Begin anew, without its data (make reset, or another SIMULATOR_DATABASE_URL), or go back to that
version.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "simulator.settings"
    options = _parser().parse_args(arguments)
    if options.command == "serve":
        from simulator import server

        server.serve(
            host=options.host, port=options.port, threads=options.threads, workers=options.workers
        )
        return 0
    import django

    django.setup()
    if options.command in MODULES:
        return int(import_module(MODULES[options.command]).run(options))
    if options.command == "load":
        return _load(options.file)
    if options.command == "makemigrations":
        return _manage("makemigrations", "simulator", "--check" if options.check else "-v1")
    return _prepare()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description="A simulated Webex/BroadWorks.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare", help="create or migrate the tables")
    serve = commands.add_parser("serve", help="serve the API")
    serve.add_argument("--port", type=int, required=True)
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--threads", type=int, default=64)
    serve.add_argument("--workers", type=int, default=1)
    load = commands.add_parser("load", help="load a world document")
    load.add_argument("file", type=Path)
    _add_generate(commands.add_parser("generate", help="make many subscribers"))
    _add_judge(commands.add_parser("judge", help="what the log says about the client"))
    _add_scenario(commands.add_parser("scenario", help="list scenarios, or play one"))
    make = commands.add_parser("makemigrations", help="for whoever changes the models")
    make.add_argument("--check", action="store_true")
    return parser


def _add_judge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", type=int, help="default: the present one")
    parser.add_argument("--after", type=int, default=0, help="only lines after this id")
    parser.add_argument("--token-name", default="", help="only requests of this token")
    parser.add_argument("--grace-ms", type=int, default=50)
    parser.add_argument("--limit", type=int, default=20, help="entries shown of each finding")
    parser.add_argument("--json", action="store_true")


def _add_scenario(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="which; without it: the list")
    parser.add_argument("--token", default="", help="of the account; default: one of its own")
    parser.add_argument("--provisioning-id", default="", help="to play under; made if missing")
    parser.add_argument("--seed", default="", help="same seed, same chances; default: its own")
    parser.add_argument("--pace", type=float, default=1.0, help="factor on its times")


def _add_generate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--subscribers", type=int, required=True)
    parser.add_argument("--token", default="", help="of the account; default: one of its own")
    parser.add_argument("--provisioning-id", action="append", default=[], help="default: all")
    parser.add_argument("--enterprises", type=int, default=0, help="default: one for 40 of them")
    parser.add_argument("--seed", default="1", help="same seed, same subscribers")
    parser.add_argument("--password", default="", help="make BroadWorks logins too, with this one")
    parser.add_argument("--statuses", default="", help="shares, as provisioned=90,error=10")


def _load(file: Path) -> int:
    from simulator import shapes, world
    from simulator.calls import utc_now

    try:
        counts = world.load(shapes.read(file.read_bytes()), utc_now())
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{file}: {error}\n")
        return 1
    loaded = ", ".join(f"{count} {section}" for section, count in counts.items() if count)
    sys.stdout.write(f"loaded {loaded or 'nothing'}\n")
    return 0


def _prepare() -> int:
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection)
    strange = sorted(
        name for _, name in set(loader.applied_migrations) - set(loader.disk_migrations)
    )
    if strange:
        sys.stderr.write(OTHER_VERSION.format(names=", ".join(strange)))
        return 1
    return _manage("migrate", "--verbosity", "0", "--no-input")


def _manage(*arguments: str) -> int:
    from django.core.management import call_command

    call_command(*arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
