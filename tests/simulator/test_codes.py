"""Numbers in refusals and in errors[]: only those that Cisco publishes, with its words."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import CISCO_TEXTS
from tests.simulator.conftest import Api, codes
from tests.simulator.contract import PUBLISHED_CODES, ROOT
from tests.simulator.test_rules import AT_ONCE, LATER, USER, precheck
from tests.simulator_process import SimulatorProcess

SIMULATOR = ROOT / "simulator"
FACTS = ROOT.parent / "shared" / "domain.md"
#: Codes that nobody knows, on purpose: a fault's and a scenario's.
UNKNOWN_ON_PURPOSE = {299999, 999901}
LOOKING_LIKE_CODES = frozenset(range(10_001, 10_031)) | frozenset(range(200_001, 300_000))
#: What a rule of the simulator can answer by itself.
EMITTED = {1001, 1002, 10022, 200044, 200046, 200047, 200050, 200051} | {
    code for _, *pair in LATER.values() for code in pair
}


def numbers(path: Path) -> Iterator[int]:
    """Yield the whole numbers in a source file that look like an error code."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and type(node.value) is int:
            yield from {node.value} & LOOKING_LIKE_CODES


def named(path: Path) -> Iterator[int]:
    """Yield the numbers that a source file gives to `cisco` or to a `Cause`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"cisco", "Cause"}:
            found = [part for argument in node.args[:2] for part in ast.walk(argument)]
            yield from (c.value for c in found if isinstance(c, ast.Constant) and is_code(c))


def is_code(constant: ast.Constant) -> bool:
    return type(constant.value) is int and constant.value > 999


def in_scenarios(value: Any, name: str = "") -> Iterator[int]:
    """Yield the codes of `errors` and `code` anywhere in a scenario."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from in_scenarios(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from in_scenarios(item, name)
    elif name in {"errors", "code", "errorCode"} and type(value) is int:
        yield value


def test_the_source_names_published_codes_only():
    sources = sorted(SIMULATOR.rglob("*.py"))

    found = {code for source in sources for code in numbers(source)}
    given = {code for source in sources for code in named(source)}

    assert {200042, 200048, 10022} <= found
    assert {1001, 1002} <= given
    assert found - UNKNOWN_ON_PURPOSE <= PUBLISHED_CODES
    assert given <= PUBLISHED_CODES
    assert CISCO_TEXTS.keys() <= PUBLISHED_CODES
    assert given <= CISCO_TEXTS.keys()


def test_scenarios_name_published_codes_only():
    files = sorted((SIMULATOR / "scenarios").glob("*.toml"))
    assert files

    for file in files:
        found = set(in_scenarios(tomllib.loads(file.read_text())))
        assert found - UNKNOWN_ON_PURPOSE <= PUBLISHED_CODES, file.name


def test_the_texts_are_those_that_were_collected():
    if not FACTS.exists():
        pytest.skip(f"NOT CHECKED: the collected facts are missing at {FACTS}")
    rows = re.findall(r"^\| (2000\d\d) \| (.+?) \|", FACTS.read_text(), re.MULTILINE)
    assert len(rows) > 15

    for code, text in rows:
        words = re.sub(r" (\[sic\]|\(carries .*\)|\(same text .*\))$", "", text)
        words = words.replace("...", "Failed adding user through self-activation")
        if int(code) in CISCO_TEXTS:
            assert CISCO_TEXTS[int(code)] == words
    assert {int(code) for code, _ in rows} <= PUBLISHED_CODES


@pytest.mark.parametrize("cause", [*LATER, *AT_ONCE])
def test_every_cause_emits_what_is_published(cause: str, api: Api, simulator: SimulatorProcess):
    world, members, *expected = (
        AT_ONCE[cause] if cause in AT_ONCE else (LATER[cause][0], {}, *LATER[cause][1:])
    )
    simulator.load(world)

    emitted = set(codes(precheck(api, **members)))
    attempt = api.provision(USER, **members)
    if attempt.status_code == 200:
        simulator.advance(10)
        emitted |= {error["errorCode"] for error in api.only(USER)["errors"]}
    else:
        emitted |= set(codes(attempt))

    assert emitted == set(expected)
    assert emitted <= EMITTED <= PUBLISHED_CODES
