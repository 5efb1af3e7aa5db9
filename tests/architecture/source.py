"""The product's own source as data: what the rules of this folder read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: The layers of pyproject.toml, the simulator included.
APPLICATIONS = [
    "partnerhub",
    "userstatus",
    "activation_portal",
    "provisioning",
    "templates_app",
    "accounts",
    "webex",
    "common",
    "simulator",
]


@cache
def python_files() -> list[Path]:
    """All modules but migrations."""
    return sorted(
        path
        for name in APPLICATIONS
        for path in (ROOT / name).rglob("*.py")
        if "migrations" not in path.parts
    )


@cache
def templates() -> list[Path]:
    """All templates: pages, fragments, mails."""
    return sorted(
        path
        for name in APPLICATIONS
        for ending in ("*.html", "*.txt")
        for path in (ROOT / name).rglob(ending)
        if "templates" in path.parts
    )


def name(path: Path) -> str:
    """A file's path below the project's folder."""
    return path.relative_to(ROOT).as_posix()


def of(*applications: str) -> list[Path]:
    """The modules of some applications."""
    return [path for path in python_files() if path.relative_to(ROOT).parts[0] in applications]


@cache
def tree(path: Path) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(path.read_text())


def calls(path: Path) -> Iterator[ast.Call]:
    """Every call in a module."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    """The last part of what is called: `retry` of `self.retry(...)`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules that a module imports, wherever in it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at(path: Path, node: ast.AST) -> str:
    """Where to look."""
    return f"{name(path)}:{getattr(node, 'lineno', 0)}"
