"""The web server, killed at the moment of accepting."""

from __future__ import annotations

from collections import Counter

from chaos.faults.base import fault
from chaos.run import Run

CHANCE = 0.25


@fault("F20", "web killed before and after COMMIT")
def web_killed(run: Run) -> None:
    """A process of the web server dies before or after each fourth COMMIT that accepts an action.

    Whoever was cut off sends the same form again: there is one job, whether the first time had
    been accepted or not.
    """
    run.begin(users=300)
    url = run.start_web("chaos.wsgi", CHAOS_WEB=f"{CHANCE / 2} {CHANCE / 2}")
    run.act(300, per_second=15, once=True, url=url).wait()
    struck = Counter((run.folder / "steps" / "struck").read_text().split())
    least = min(struck["before"], struck["after"])
    words = f"killed {struck['before']} times before the COMMIT, {struck['after']} times after it"
    run.require(least >= 15, words)
    run.settle(120)
