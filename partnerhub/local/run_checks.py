"""`make check`: everything that can be judged without running the product."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from partnerhub.local.bootstrap import ROOT
from partnerhub.local.console import say
from partnerhub.local.find_python import SUPPORTED

# The oldest and the newest: what holds for both holds for those between.
PYTHONS = tuple("{}.{}".format(*version) for version in (SUPPORTED[0], SUPPORTED[-1]))
# Rules that ask for a syntax which the oldest doesn't know.
NEWER_WAYS = "UP040,UP046,UP047"
# Enough for the settings to load. Nothing is connected to; the key is no secret.
ENVIRONMENT = {
    "SECRET_KEY": "only-for-checks-that-never-serve-a-request-0123456789abcdefgh",
    "TOKEN_KEYS": "check:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "DATABASE_URL": "postgres://check@127.0.0.1:1/check",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "EMBEDDED": "1",
}
PRODUCTION = {
    "EMBEDDED": "0",
    "PUBLIC_URL": "https://hub.example",
    "ALLOWED_HOSTS": "hub.example",
    "TRUSTED_PROXIES": "1",
    "DEFAULT_FROM_EMAIL": "hub@hub.example",
    "EMAIL_URL": "smtp+tls://user:password@mail.example:587",
}


@dataclass(frozen=True)
class Check:
    """One command whose exit code says whether all is well."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def checks() -> list[Check]:
    """Return all checks, the quick ones first."""
    manage = [sys.executable, "manage.py"]
    deploy = ["check", "--deploy", "--fail-level", "WARNING"]
    # H030, H031: descriptions and keywords are for search engines, and nothing here is public.
    # H015, H020: our own formatting. H030, H031: no page here is for search engines. H044: an empty
    # corner is a td, since an empty th would be read aloud. H052: the refresh stands in <noscript>.
    djlint = ["--lint", "--quiet", "--profile=django", "--ignore=H015,H020,H030,H031,H044,H052"]
    compose = ["--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    return [
        Check("format", _module("ruff", "format", "--check", ".")),
        *(Check(f"lint, Python {python}", _lint(python)) for python in PYTHONS),
        Check("layers", _tool("lint-imports")),
        Check("system", [*manage, "check", "--fail-level", "WARNING"]),
        Check("system, as in production", [*manage, *deploy], PRODUCTION),
        Check("simulator's migrations", _module("simulator", "makemigrations", "--check")),
        Check("migrations", [*manage, "makemigrations", "--check", "--dry-run"]),
        Check("templates", _module("djlint", *djlint, *_template_folders())),
        Check("compose file", _tool("check-jsonschema", *compose)),
        *(
            Check(f"types, Python {python}", _module("mypy", "--python-version", python, "."))
            for python in PYTHONS
        ),
    ]


def main() -> int:
    """Run all checks, the failing ones not stopping the rest; name these at the end."""
    os.environ.update({name: os.environ.get(name, value) for name, value in ENVIRONMENT.items()})
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # the two runs of mypy take longest
        done = zip(checks(), pool.map(_run, checks()), strict=True)
        failed = [check.name for check, outcome in done if not _report(check, *outcome)]
    if failed:
        say(f"\nFAILED: {', '.join(failed)}")
        return 1
    say("\nall checks passed")
    return 0


def _run(check: Check) -> tuple[subprocess.CompletedProcess[str], float]:
    """Run one check; return how it ended and how many seconds it took."""
    start = time.monotonic()
    result = subprocess.run(  # noqa: S603 - our own command line
        check.command,
        cwd=ROOT,
        env={**os.environ, **check.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return result, time.monotonic() - start


def _report(check: Check, result: subprocess.CompletedProcess[str], seconds: float) -> bool:
    """Say how a check went, and all that a failed one printed; tell whether it passed."""
    word = "FAILED" if result.returncode else "ok"
    say(f"{check.name:<28} {word:<7} {seconds:5.1f} s")
    if result.returncode:
        say(result.stdout.rstrip() + "\n")
    return result.returncode == 0


def _lint(python: str) -> list[str]:
    """Lint as for one Python; what only newer ones can read is not asked for."""
    target = f"py{python.replace('.', '')}"
    return _module("ruff", "check", "--target-version", target, "--extend-ignore", NEWER_WAYS, ".")


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def _tool(name: str, *arguments: str) -> list[str]:
    """Return a command of the environment that has no module form.

    Run through Python, because a script's first line breaks in a path with spaces.
    """
    return [sys.executable, str(ROOT / ".venv" / "bin" / name), *arguments]


def _template_folders() -> list[str]:
    found = {str(path.relative_to(ROOT)) for path in ROOT.glob("*/templates") if path.is_dir()}
    return sorted(found)


if __name__ == "__main__":
    sys.exit(main())
