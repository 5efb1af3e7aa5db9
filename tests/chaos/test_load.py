"""The clients: what they tried in vain is told."""

from __future__ import annotations

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
    load.wait()

    assert load.notes() == [
        "2 given up: retry of kim@nordictel.example, retry of bo@nordictel.example"
    ]


def test_a_clear_no_is_told_with_its_reason(history):
    history.add(Entry(0.0, 0.1, "accepted", "retry", "kim@nordictel.example", "s1", "job"))
    history.add(Entry(0.0, 0.1, "refused", "delete", "bo@nordictel.example", "s2", "", "gone"))

    assert _load(history).notes() == ["1 refused: delete of bo@nordictel.example (gone)"]


def test_of_many_a_clear_no_some_are_told_and_all_are_counted(history):
    for number in range(7):
        user = f"user{number}@nordictel.example"
        history.add(Entry(0.0, 0.1, "refused", "delete", user, str(number), "", "gone"))

    (note,) = _load(history).notes()

    assert note.startswith("7 refused: ")
    assert note.count("gone") == 5
