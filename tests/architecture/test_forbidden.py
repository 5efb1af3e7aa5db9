"""Words that must not appear in the product, each for a reason."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture import source

NAMES = {
    "csrf_exempt": "S7: every POST carries a token",
    "mark_safe": "S20: use a template or format_html",
    "RawSQL": "S20: the ORM, or a cursor with parameters in a module listed below",
    "pickle": "arguments and sessions are JSON",
}
#: Celery's own ways of waiting keep work in Redis, which may lose it: times are in the outbox.
KEYWORDS = {"eta", "countdown"}
CALLS = {
    "retry": "the outbox decides when to try again",
    "raw": "S20",
    "extra": "S20",
    "SafeString": "S20: use a template or format_html",
}
#: Where `raw` may be called: with a condition made of the caller's own words.
RAW = {"common/sql.py"}
#: Modules that write SQL by hand, and why. (The simulator is a program of its own, all plain SQL.)
SQL = {
    "common/clock.py": "the time is PostgreSQL's",
    "provisioning/sweep.py": "a turn is taken by one statement",
    "common/throttle.py": "one statement decides, so parallel requests can't pass together",
    "provisioning/exports/files.py": "COPY, and a statement timeout that lets it finish",
    "provisioning/exports/progress.py": "locks, the progress of COPY and its end, by catalogue",
    "provisioning/bulk/statements.py": "ten thousand jobs in one statement",
    "provisioning/projection/merge_sql.py": "a thousand answers in a dozen statements",
    "provisioning/projection/follow_ups.py": "one statement for all answers of a group",
    "provisioning/shown_status.py": "one rule for a row and for a thousand",
    "provisioning/projection/staging.py": "COPY into a temporary table",
    "provisioning/sync/deletions.py": "rows that a listing of a million did not show",
    "common/session_locks.py": "advisory locks",
    "common/sql.py": "the engine's reads: Django builds a query's text anew each time",
    "provisioning/backend/gate.py": "one of the engine's writes, many times a second",
    "provisioning/jobs/leases.py": "a group of jobs at once; advisory locks of the living",
    "provisioning/lists/counts.py": "an advisory lock, and sums in place of their summands",
    "provisioning/invariants/check.py": "forty questions, each a statement of its own",
    "provisioning/invariants/secrets.py": "looks for a text in all tables",
    "partnerhub/management/commands/check_invariants.py": "read only, with a time limit",
    "provisioning/sync/passes.py": "one of several watermarks moved",
    "accounts/sessions.py": "each request asks for its session: the same",
    "accounts/sign_in.py": "each request asks who it is of: Django writes a query anew each time",
    "partnerhub/local/databases.py": "makes databases before Django exists",
}
PRODUCT = [name for name in source.APPLICATIONS if name != "simulator"]


@pytest.mark.parametrize("path", source.python_files(), ids=source.name)
def test_a_module_uses_no_forbidden_name(path: Path) -> None:
    found = {
        getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", None)
        for node in ast.walk(source.tree(path))
        if isinstance(node, ast.Name | ast.Attribute | ast.alias)
    }

    assert not found & set(NAMES)


@pytest.mark.parametrize("path", source.python_files(), ids=source.name)
def test_a_module_calls_nothing_forbidden(path: Path) -> None:
    wrong = [
        source.at(path, call)
        for call in source.calls(path)
        if source.called(call) in CALLS or KEYWORDS & {word.arg for word in call.keywords}
    ]
    if source.name(path) in RAW:
        wrong = []

    assert wrong == []


@pytest.mark.parametrize("path", source.of(*PRODUCT), ids=source.name)
def test_sql_by_hand_is_constant_and_in_a_module_that_says_why(path: Path) -> None:
    executed = [
        call
        for call in source.calls(path)
        if source.called(call) in {"execute", "executemany"} and _on_a_cursor(call)
    ]
    built = [
        source.at(path, call)
        for call in executed
        if isinstance(call.args[0], ast.JoinedStr | ast.BinOp)
    ]

    assert not executed or source.name(path) in SQL
    assert built == []


def _on_a_cursor(call: ast.Call) -> bool:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return isinstance(owner, ast.Name | ast.Attribute) and bool(call.args)


@pytest.mark.parametrize("path", source.templates(), ids=source.name)
def test_a_template_trusts_no_text(path: Path) -> None:
    text = re.sub(r"{% comment %}.*?{% endcomment %}", "", path.read_text(), flags=re.DOTALL)

    assert not re.search(r"\|\s*(safe|safeseq)\b", text)
    if path.suffix == ".html":
        assert not re.search(r"{%\s*autoescape\s+off", text)


@pytest.mark.parametrize(
    "path", [p for p in source.templates() if p.suffix == ".html"], ids=source.name
)
def test_a_template_has_no_inline_script_or_style(path: Path) -> None:
    text = re.sub(r"{% comment %}.*?{% endcomment %}", "", path.read_text(), flags=re.DOTALL)

    assert not re.search(r"<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|\shx-on|srcdoc=", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"(src|href|action)=[\"']https?:", text)


@pytest.mark.parametrize("path", sorted((source.ROOT / "static" / "js").rglob("*.js")), ids=str)
def test_a_script_runs_no_text_as_code(path: Path) -> None:
    text = path.read_text()

    assert not re.search(r"\beval\(|new Function\(|document\.write|insertAdjacentHTML", text)
    assert not re.search(r"\.(inner|outer)HTML\s*=", text)


#: Whose own clock may be asked, and why.
OWN_CLOCK = {
    "partnerhub/local": "the launcher runs before there is a database",
    "partnerhub/demo": "invents the past",
    "common/clock.py": "for pages that may ask the database nothing",
    "partnerhub/ticking.py": "Celery wants a time of day; the interval goes by the monotonic clock",
    "webex/errors.py": "the wire knows no database; its moment is only shown",
    "simulator": "stands for the other side, which has its own clock",
}


@pytest.mark.parametrize("path", source.python_files(), ids=source.name)
def test_only_postgresqls_clock_is_asked(path: Path) -> None:
    """Processes on other machines, or after their clock was put, must agree with each other."""
    if source.name(path).startswith(tuple(OWN_CLOCK)):
        return
    text = path.read_text()

    assert "timezone.now()" not in text
    assert "datetime.now(" not in text
    assert "time.time()" not in text
