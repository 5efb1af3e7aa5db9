"""What import-linter can't say: who may speak HTTP, and what a Celery task may take."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import source

WIRE = {"requests", "urllib3", "http.client", "urllib.request", "httpx", "aiohttp", "socket", "ssl"}
#: Besides webex and common: who opens connections of its own, and why.
OWN_CONNECTIONS = {
    "partnerhub/local": "the launcher asks whether the processes that it started answer",
    "provisioning/activation/smtp.py": "cuts a conversation with the mail server off in time",
    "simulator": "stands for the other side",
}
PUBLISHING = {"send_task", "apply_async", "delay"}


@pytest.mark.parametrize("path", source.of("webex"), ids=source.name)
def test_the_client_knows_no_database_and_no_queue(path: Path) -> None:
    wrong = [n for n in source.imports(path) if n.startswith(("django.db", "celery", "redis"))]

    assert wrong == []


@pytest.mark.parametrize("path", source.python_files(), ids=source.name)
def test_only_the_wire_speaks_http(path: Path) -> None:
    if source.name(path).startswith(("webex/", "common/http", *OWN_CONNECTIONS)):
        return
    wrong = [n for n in source.imports(path) if any(n == w or n.startswith(w + ".") for w in WIRE)]

    assert wrong == []


@pytest.mark.parametrize("path", source.python_files(), ids=source.name)
def test_a_module_says_what_lives_in_it(path: Path) -> None:
    assert not path.read_text().strip() or ast.get_docstring(source.tree(path))


def tasks() -> Iterator[tuple[Path, ast.FunctionDef]]:
    for path in source.python_files():
        for node in ast.walk(source.tree(path)):
            if isinstance(node, ast.FunctionDef) and _is_task(node):
                yield path, node


def _is_task(node: ast.FunctionDef) -> bool:
    words = {
        getattr(part, "id", None) or getattr(part, "attr", None)
        for decorator in node.decorator_list
        for part in ast.walk(decorator)
    }
    return bool(words & {"shared_task", "task"})


def test_there_are_tasks() -> None:
    assert len(list(tasks())) >= 5


def test_a_task_takes_ids_and_nothing_else() -> None:
    """What is in Redis may be lost, and may be read: everything else is in the outbox row."""
    wrong = [source.at(path, task) for path, task in tasks() if not _takes_ids(task.args)]

    assert wrong == []


def _takes_ids(arguments: ast.arguments) -> bool:
    return (
        not arguments.args
        and not arguments.posonlyargs
        and not arguments.vararg
        and all(argument.arg.endswith("_id") for argument in arguments.kwonlyargs)
        and all(ast.unparse(a.annotation or a) in {"int", "str"} for a in arguments.kwonlyargs)
    )


@pytest.mark.parametrize("path", source.python_files(), ids=source.name)
def test_a_published_task_carries_only_ids(path: Path) -> None:
    wrong = [
        source.at(path, call)
        for call in source.calls(path)
        if source.called(call) in PUBLISHING and not _only_ids(call)
    ]

    assert wrong == []


def _only_ids(call: ast.Call) -> bool:
    given = next((word.value for word in call.keywords if word.arg == "kwargs"), None)
    if len(call.args) > 1 or any(word.arg == "args" for word in call.keywords):
        return False
    if not isinstance(given, ast.Dict):
        return True  # built elsewhere: the tasks' own arguments are checked above
    keys = [key.value for key in given.keys if isinstance(key, ast.Constant)]
    return len(keys) == len(given.keys) and all(str(key).endswith("_id") for key in keys)


@pytest.mark.parametrize("path", source.python_files(), ids=source.name)
def test_only_the_queues_sender_hands_mails_over(path: Path) -> None:
    """A request must not wait for a mail server, and a mail must not go out twice."""
    if source.name(path) == "provisioning/activation/mail_server.py":
        return
    sending = {"get_connection", "send_mail", "send_mass_mail", "mail_admins", "mail_managers"}
    names = {name.rpartition(".")[2] for name in source.imports(path)}

    assert not names & sending
