"""`make test-changed`: only the tests that the changed files reach.

Changed is what differs from BASE (a commit; HEAD unless it is set), and what git doesn't know yet.
A change reaches a test file backwards along imports, names of modules, templates, static and other
files in texts, addresses and their names (to the views behind them, and to what every request
uses), and the fixtures of its folders: see reach.py. It reaches the tests of the folder that
mirrors its own as well, and the rules of tests/architecture are always asked.

Where that can't be known, such as for settings, requirements or fixtures of all tests, it says so
and everything of `make test` runs. Tests that walk over the whole product are left to `make test`
unless they are changed themselves; it says which.
"""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from partnerhub.local import run_tests
from partnerhub.local.bootstrap import ROOT
from partnerhub.local.chromium import find_chromium
from partnerhub.local.console import say
from partnerhub.local.run_checks import ENVIRONMENT

#: Whatever depends on them isn't told by any import.
REACH_ALL = (
    "pyproject.toml", "requirements/*", "Makefile", "manage.py", "*.sql", "*/migrations/*",
    "partnerhub/settings.py", "partnerhub/urls.py", "partnerhub/local/*", "*/apps.py",
    "tests/conftest.py", "tests/servers_plugin.py", "tests/template_database.py",
    "tests/emptying.py", "tests/factories.py",
)  # fmt: skip
#: No test is about these.
REACH_NONE = (".ci/*", ".git*", "Dockerfile*", "*.md")
ALWAYS = ("tests/architecture",)
#: They ask every address, or start the whole product: any change would reach them.
WALKS = (
    "tests/security/test_admin.py", "tests/security/test_bad_input.py",
    "tests/security/test_headers.py", "tests/security/test_matrix.py",
    "tests/security/test_canary.py", "tests/launcher/*", "tests/chaos/*", "tests/benchmarks/*",
)  # fmt: skip
#: What a browser sees that no other test does; without a change to it, its tests are left as well.
SEEN = ("static/*", "*.html")
#: More files than these are worth a second process.
MANY = 5


def main() -> int:
    """Choose and run; return the worst exit code."""
    base = os.environ.get("BASE", "HEAD")
    changed = changed_files(base)
    if not changed:
        say(f"Nothing differs from {base}: no test to run.")
        return 0
    if unknown := [name for name in changed if _fits(name, REACH_ALL)]:
        say(f"What depends on {', '.join(unknown)} can't be known: all tests run.")
        return run_tests.main("test", [])
    chosen, left = choose(changed)
    if left:
        say(f"Left to `make test`, as they walk over the whole product: {', '.join(left)}")
    say(f"{len(changed)} changed files reach {len(chosen)} test files.")
    return _run(chosen)


def changed_files(base: str) -> list[str]:
    """Return the paths that differ from a commit, the unknown ones included."""
    differ = _git("diff", "--name-only", "--no-renames", "-z", base)
    unknown = _git("ls-files", "--others", "--exclude-standard", "-z")
    return sorted({*differ, *unknown})


def choose(changed: list[str]) -> tuple[list[str], list[str]]:
    """Return the test files to run, and those that are left out, both sorted."""
    files = _git("ls-files", "-co", "--exclude-standard", "-z")
    there = [name for name in files if (ROOT / name).is_file()]
    tests = {name for name in there if re.search(r"^tests/.*test_\w+\.py$", name)}
    asked = [name for name in changed if not _fits(name, REACH_NONE)]
    reached = _reach(there).of(asked) & tests
    reached |= {test for name in asked for test in _mirror(name, tests)}
    walks = WALKS if any(_fits(name, SEEN) for name in asked) else (*WALKS, "tests/browser/*")
    left = {name for name in reached - set(changed) if _fits(name, walks)}
    always = {name for name in tests if name.startswith(ALWAYS)}
    return sorted(reached - left | always), sorted(left)


def _mirror(name: str, tests: set[str]) -> set[str]:
    """The tests of the folder that stands for a file's own, or for the nearest one above it."""
    if name.startswith("tests/"):
        return set()
    for folder in Path(name).parents[:-1]:
        if found := {t for t in tests if Path(t).parent == Path("tests") / folder}:
            return found
    return set()


def _reach(files: Iterable[str]) -> Any:
    """The graph, made with Django set up: it knows the addresses."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnerhub.settings")
    import django

    django.setup()
    from partnerhub.local import reach
    from partnerhub.local.routes import on_request, routes

    return reach.Reach(ROOT, files, routes(), on_request())


def _run(chosen: list[str]) -> int:
    browser = [name for name in chosen if name.startswith(run_tests.BROWSER_TESTS)]
    others = [name for name in chosen if name not in browser]
    with tempfile.TemporaryDirectory() as folder:
        runs = [_of(others, Path(folder) / "others")]
        if browser and find_chromium():
            browser += [*run_tests.BROWSER_PLUGINS]
            runs.append(_of(browser, Path(folder) / "browser"))
        return run_tests.run_and_tell(runs)


def _of(names: list[str], summary: Path) -> run_tests.Run:
    spread = run_tests.spread(2) if len(names) > MANY else []
    output = summary.with_suffix(".out") if summary.name == "browser" else None
    return run_tests.Run([*names, "-m", "not long", *spread], summary, output)


def _git(*words: str) -> list[str]:
    found = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603, S607
    return [name for name in found.stdout.split("\0") if name]


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


if __name__ == "__main__":
    sys.exit(main())
