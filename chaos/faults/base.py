"""How a fault is written: a function with a docstring, put into the list by its number.

    @fault("F99", "the moon falls", smoke=True)
    def moon(run: Run) -> None:
        '''What happens, and what must hold.'''
        run.begin(users=100)
        run.act(100)
        ...
        run.settle(60)

It begins a world, lets clients act, breaks things from the main thread, mends them, and settles.
Everything that every fault must keep is checked after it; what else it must reach it says with
`run.require`. One module for each group of faults, imported by `chaos.faults`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chaos.run import Run


@dataclass(frozen=True)
class Fault:
    """A fault of the plan."""

    number: str
    title: str
    play: Callable[[Run], None]
    smoke: bool


FAULTS: dict[str, Fault] = {}
#: The one that `make soak` plays: F29.
SOAK = "F29"


def fault(
    number: str, title: str, *, smoke: bool = False
) -> Callable[[Callable[[Run], None]], Callable[[Run], None]]:
    """Put a function into the list of faults; `smoke`: it is part of `make test-long`."""

    def put(play: Callable[[Run], None]) -> Callable[[Run], None]:
        FAULTS[number] = Fault(number, title, play, smoke)
        return play

    return put
