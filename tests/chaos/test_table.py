"""What `make chaos` prints."""

from __future__ import annotations

import pytest

from chaos import recovery
from chaos.recovery import Death, Recovery
from chaos.table import Line, show, words


def test_a_fault_that_was_not_run_says_why():
    line = Line("F98", "the moon falls", not_run="no moon here")

    assert show([line]).splitlines()[1].endswith("  not run: no moon here")


def test_a_problem_makes_the_verdict():
    assert Line("F1", "").verdict == "right"
    assert Line("F1", "", problems=["lost"]).verdict == "WRONG"
    assert "WRONG: lost" in words(Line("F1", "", problems=["lost"]))


def test_recovery_stands_in_the_table_by_its_median_and_its_worst_percent():
    line = Line("F1", "x", actions=1234, recoveries=[0.5, 1.0, 4.0], seconds=31.4)

    assert show([line]).splitlines()[1].split() == [
        *("F1", "x", "1,234", "0", "0"),
        *("1.0", "s", "4.0", "s", "31", "s", "right"),
    ]


def passage(t: float, step: str, *, pid: int = 1, sent: bool = False) -> dict[str, object]:
    return {"t": t, "step": step, "job": 7, "user": "u", "pid": pid, "sent": sent}


@pytest.mark.parametrize(
    ("sent", "again", "waited"),
    [(False, 13.0, 3.0), (True, 21.0, 2.5), (True, 18.0, 0.0)],
    ids=["from the death", "after the quiet time", "sooner than it had to"],
)
def test_a_job_waits_from_its_worker_s_death_or_its_quiet_time(sent, again, waited):
    passages = [passage(9.5, "claimed", sent=sent), passage(again, "claimed", pid=2)]
    deaths = [Death(10.0, frozenset({1}))]

    assert recovery.recoveries(passages, deaths, quiet_seconds=9.0) == [Recovery(waited, sent)]


def test_a_job_that_was_recorded_before_the_death_waits_for_nobody():
    passages = [passage(1.0, "claimed"), passage(2.0, "recorded"), passage(9.0, "claimed", pid=2)]

    assert recovery.recoveries(passages, [Death(3.0, frozenset({1}))], 9.0) == []


def test_when_everybody_is_dead_waiting_counts_from_the_return():
    passages = [passage(1.0, "claimed"), passage(9.0, "claimed", pid=2)]
    death = Death(2.0, frozenset({1}), back_at=8.0)

    assert recovery.recoveries(passages, [death], 0.0) == [Recovery(1.0, was_sent=False)]


def test_a_job_is_taken_up_by_its_first_claim():
    passages = [passage(3.0, "claimed"), passage(9.0, "claimed")]

    assert recovery.taken_up(passages, {"u": 1.0, "nobody": 1.0}) == [2.0]
