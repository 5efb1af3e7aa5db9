"""`make bench` of the screen and the export: small runs from end to end, and their arithmetic."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from benchmarks import screen_combinations
from benchmarks.export_writer import memory
from benchmarks.screen_main import wants
from benchmarks.screen_pages import polls_of
from benchmarks.screen_sides import Timed, ms, part_of, rounds, spread
from partnerhub.local.bootstrap import ROOT
from provisioning.lists import filters

SMALL = ("--subscribers", "2000", "--rounds", "1", "--seconds", "0.1")
SIDES = ("floor", "bare floor", "Django admin", "django-tables2")


@pytest.fixture(scope="module")
def printed() -> str:
    """What a small run of both prints, once it left nothing behind."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks", "screen", "export", *SMALL],
            cwd=ROOT, env={**os.environ, "TMPDIR": folder}, capture_output=True, text=True,
            timeout=240, check=False,
        )  # fmt: skip
        assert list(Path(folder).iterdir()) == []
    assert done.returncode == 0, done.stderr
    return done.stdout


def beside(name: str, printed: str) -> list[str]:
    """What stands beside a case, as printed."""
    lines = re.findall(rf"^{re.escape(name)}  .*$", printed, re.MULTILINE)
    return [side for line in lines for side in SIDES if f"  {side} " in line]


@pytest.mark.long
def test_pages_stand_beside_the_floor_and_both_peers_and_show_the_same_users(printed: str):
    assert beside("page: all", printed) == list(SIDES)
    assert beside("page: last page", printed) == list(SIDES)
    assert beside("page: whole partner, last page", printed) == list(SIDES)
    assert len(re.findall(r"^any visit to .* of 12 ", printed, re.MULTILINE)) == 3


@pytest.mark.long
def test_searches_polls_and_writes_are_measured_on_real_answers(printed: str):
    assert len(re.findall(r"^any combination, .* of 40 ", printed, re.MULTILINE)) == 2
    assert len(re.findall(r"^poll, .* at most +5 ms ", printed, re.MULTILINE)) == 2
    for name in ("rare, seven digits", "no match", "frequent"):
        assert len(re.findall(rf"^search: {name} +.* by key ", printed, re.MULTILINE)) == 1
    assert len(re.findall(r"^update of 1,000 statuses .* before ", printed, re.MULTILINE)) == 1
    assert len(re.findall(r"^update by two writers.* no triggers ", printed, re.MULTILINE)) == 1


@pytest.mark.long
def test_two_hundred_open_pages_are_polled_on_the_real_server(printed: str):
    (share,) = re.findall(r"^open pages: 200, server's share +(\d+)% ", printed, re.MULTILINE)
    (polls,) = re.findall(r"^open pages: 200, poll p95 .* p50 of (\d+) ", printed, re.MULTILINE)
    assert int(share) > 0
    assert int(polls) > 10


@pytest.mark.long
def test_an_export_is_measured_to_its_last_byte(printed: str):
    for rows in ("800", "2,000"):
        assert len(re.findall(rf"^export {rows} .* psql .copy ", printed, re.MULTILINE)) == 1
        assert len(re.findall(rf"^export {rows} .* Python csv ", printed, re.MULTILINE)) == 1
        assert len(re.findall(rf"^export {rows}, memory +\+\d", printed, re.MULTILINE)) == 1


def test_a_ratio_is_of_the_same_rounds():
    ours, floor = Timed(lambda: None), Timed(lambda: None)
    ours.seconds, floor.seconds = [2.0, 8.0, 3.0], [1.0, 2.0, 2.0]

    assert ours.times(floor) == 2.0


def test_sides_take_turns_and_the_first_go_does_not_count():
    order: list[str] = []
    sides = [Timed(lambda: order.append("a")), Timed(lambda: order.append("b"))]

    rounds(sides, 2)

    assert "".join(order) == "abbaab"
    assert [len(side.seconds) for side in sides] == [2, 2]


@pytest.mark.parametrize(("part", "found"), [(0.5, 10), (0.95, 19), (1.0, 20)])
def test_a_part_of_all_is_the_time_within_which_so_many_were_done(part: float, found: float):
    assert part_of([float(n) for n in range(20, 0, -1)], part) == found


def test_a_spread_is_judged_by_its_95th_percentile():
    assert spread("a", [0.1] * 19 + [9.0], 0.150).verdict == "met"
    assert spread("a", [0.1] * 18 + [0.2, 0.2], 0.150).verdict == "NOT MET"


def test_times_are_shown_in_milliseconds():
    assert (ms(0.0012), ms(1.5)) == ("1.20 ms", "1,500 ms")


@pytest.mark.parametrize(
    ("cases", "part", "is_wanted"),
    [("", "page", True), ("page: all", "page", True), ("po", "poll", True), ("any", "page", False)],
)
def test_parts_without_a_case_that_is_asked_for_are_left_out(
    cases: str, part: str, is_wanted: bool
):
    assert wants(cases, part) is is_wanted


def test_combinations_are_the_same_each_time_and_are_understood():
    made = [screen_combinations.combination(random.Random(n)) for n in range(100)]

    assert made == [screen_combinations.combination(random.Random(n)) for n in range(100)]
    assert not [text for text in made if filters.parse(text).problems]
    assert any(filters.parse(text).q for text in made)


def test_a_poll_names_the_rows_of_the_page_and_five_in_an_old_state():
    rows = "".join(f'<tr id="u{n}" data-state="2." class="x">' for n in range(1, 8))
    page = f'<div data-live-url="/x/live/?q=a&amp;b=c" data-newest="z9">{rows}'

    quiet, busy = polls_of(page)

    assert quiet == "/x/live/?q=a&b=c&since=z9&rows=1-2._2-2._3-2._4-2._5-2._6-2._7-2."
    assert busy == "/x/live/?q=a&b=c&since=z9&rows=1-0._2-0._3-0._4-0._5-0._6-2._7-2."


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="a system without /proc")
def test_memory_is_read_in_megabytes():
    assert 10 < memory("VmRSS") <= memory("VmHWM") < 10_000
