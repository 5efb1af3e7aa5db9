"""`python -m simulator prepare | serve | load | makemigrations`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path


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
    if options.command == "load":
        return _load(options.file)
    if options.command == "makemigrations":
        return _manage("makemigrations", "simulator", "--check" if options.check else "-v1")
    return _manage("migrate", "--verbosity", "0", "--no-input")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description="A simulated Webex/BroadWorks.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare", help="create or migrate the tables")
    serve = commands.add_parser("serve", help="serve the API")
    serve.add_argument("--port", type=int, required=True)
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--threads", type=int, default=8)
    serve.add_argument("--workers", type=int, default=1)
    load = commands.add_parser("load", help="load a world document")
    load.add_argument("file", type=Path)
    make = commands.add_parser("makemigrations", help="for whoever changes the models")
    make.add_argument("--check", action="store_true")
    return parser


def _load(file: Path) -> int:
    from simulator import world
    from simulator.calls import utc_now

    try:
        counts = world.load(json.loads(file.read_text()), utc_now())
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{file}: {error}\n")
        return 1
    loaded = ", ".join(f"{count} {section}" for section, count in counts.items() if count)
    sys.stdout.write(f"loaded {loaded or 'nothing'}\n")
    return 0


def _manage(*arguments: str) -> int:
    from django.core.management import call_command

    call_command(*arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
