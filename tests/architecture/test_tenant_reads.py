"""S1: pages reach rows only through the signed-in person's partner, or through named selectors."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import source

#: What makes a chain of `Model.objects…` safe: these methods, or a filter by one of these words,
#: whose value is the person's partner or a row that was found through it.
SCOPED = {"visible_to", "none"}
OWNED = {"partner", "partner_id", "template", "template__in", "subscriber", "subscriber__in"}


def bare_managers(path: Path) -> Iterator[str]:
    """Chains that begin at all rows and never say whose."""
    parents = {
        child: node for node in ast.walk(source.tree(path)) for child in ast.iter_child_nodes(node)
    }
    for node in ast.walk(source.tree(path)):
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "_default_manager"}:
            chain = list(_chain(node, parents))
            if not any(_is_scoped(link) for link in chain):
                yield source.at(path, node)


def _chain(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    """What is called on the manager, link by link."""
    parent = parents.get(node)
    while (isinstance(parent, ast.Attribute) and parent.value is node) or (
        isinstance(parent, ast.Call) and parent.func is node
    ):
        yield parent
        node, parent = parent, parents.get(parent)


def _is_scoped(link: ast.AST) -> bool:
    if isinstance(link, ast.Attribute):
        return link.attr in SCOPED
    return isinstance(link, ast.Call) and any(word.arg in OWNED for word in link.keywords)


@pytest.mark.parametrize("path", source.of("userstatus"), ids=source.name)
def test_a_page_asks_only_for_its_partners_rows(path: Path) -> None:
    assert list(bare_managers(path)) == []


@pytest.mark.parametrize("path", source.of("userstatus", "activation_portal"), ids=source.name)
def test_a_page_fetches_nothing_around_the_manager(path: Path) -> None:
    """`get_object_or_404(Model, …)` and `get_list_or_404` would start from all rows."""
    wide = [
        source.at(path, call)
        for call in source.calls(path)
        if source.called(call) in {"get_object_or_404", "get_list_or_404"}
        and isinstance(call.args[0], ast.Name)
        and call.args[0].id[:1].isupper()
    ]

    assert wide == []


def test_the_rule_sees_a_bare_manager() -> None:
    module = source.ROOT / "tests" / "architecture" / "example_of_bare_reads.py"

    assert len(list(bare_managers(module))) == 2
