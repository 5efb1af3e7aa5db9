"""The clients: what they tried in vain is told."""

from __future__ import annotations

import time

import pytest

from chaos.history import Entry, History
from chaos.load import Load, Part
from chaos.world import Person, World


@pytest.fixture
def history(tmp_path):
    found = History(tmp_path / "history.jsonl")
    yield found
    found.close()


def _load(history: History, *users: str) -> Load:
    todo = [Part(Person(user, "Nordictel", "error"), ["retry"], seed=1) for user in users]
    return Load(World([]), history, todo, clients=2)


def test_actions_for_which_no_time_was_left_are_told(history):
    load = _load(history, "kim@nordictel.example", "bo@nordictel.example")

    load.start(seconds=0)
    _wait(load)

    (note,) = load.notes()
    assert note.startswith("given up for want of time: ")
    assert "retry of kim@nordictel.example" in note
    assert "retry of bo@nordictel.example" in note


def test_a_clear_no_is_told_with_its_reason(history):
    history.add(Entry(0.0, 0.1, "accepted", "retry", "kim@nordictel.example", "s1", "job"))
    history.add(Entry(0.0, 0.1, "refused", "delete", "bo@nordictel.example", "s2", "", "gone"))

    assert _load(history).notes() == ["delete of bo@nordictel.example was refused: gone"]


def test_of_many_a_clear_no_some_are_told_and_all_are_counted(history):
    for number in range(7):
        user = f"user{number}@nordictel.example"
        history.add(Entry(0.0, 0.1, "refused", "delete", user, str(number), "", "gone"))

    *examples, count = _load(history).notes()

    assert len(examples) == 5
    assert count == "7 actions were refused"


def _wait(load: Load) -> None:
    end = time.monotonic() + 30
    while not load.is_over:
        assert time.monotonic() < end
        time.sleep(0.01)
