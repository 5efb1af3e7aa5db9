"""Pages while rows come, go and change: who was there throughout is seen exactly once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulator.conftest import HOME, Api, a_subscriber, the_cast
from tests.simulator_process import SimulatorProcess

ACTIONS = ["come", "arrive", "go", "update", "fail", "rename", "pass"]
Gap = list[tuple[str, int]]


@dataclass
class Crowd:
    """The subscribers behind a list that is being read, and what becomes of them."""

    simulator: SimulatorProcess
    ids: dict[str, str] = field(default_factory=dict)
    made: int = 0
    gone: set[str] = field(default_factory=set)

    @property
    def api(self) -> Api:
        return Api(self.simulator)

    def begin(self, count: int) -> None:
        self.simulator.reset()
        many = [a_subscriber(f"{n}@nordictel.example") for n in range(count)]
        self.simulator.load(the_cast() | {"subscribers": many})
        items = self.api.list(max=100).json()["items"]
        self.ids = {item["id"]: item["userId"] for item in items}

    def act(self, action: str, choice: int) -> None:
        """Do one thing to somebody; with nobody there, somebody comes."""
        there = sorted(self.ids.keys() - self.gone, key=self.ids.__getitem__)
        chosen = there[choice % len(there)] if there else ""
        match action if chosen else "come":
            case "come":
                self.made += 1
                self.api.provision(f"new{self.made}@nordictel.example", email=None)
            case "arrive":
                self.made += 1
                self.simulator.load({"subscribers": [a_subscriber(f"w{self.made}@n.example")]})
            case "go":
                self.api.remove(chosen)
                self.gone.add(chosen)
            case "update":
                self.api.update(chosen, package="premium")
            case "fail":
                self.simulator.force(chosen, status="error", errors=[200042])
            case "rename":
                self.api.update(chosen, userId=f"r{self.made}-{choice}@n.example")
            case "pass":
                self.simulator.advance(10)


def read_all(crowd: Crowd, size: int, gaps: list[Gap]) -> Counter[str]:
    """Follow the pages to their end, with things happening in between; count who was seen."""
    seen: Counter[str] = Counter()
    answer = crowd.api.list(max=size, provisioningId=HOME)
    waiting = iter(gaps)
    while True:
        items = answer.json()["items"]
        assert len(items) <= size
        seen.update(item["id"] for item in items)
        if "next" not in answer.links:
            return seen
        for action, choice in next(waiting, []):
            crowd.act(action, choice)
        path = answer.links["next"]["url"].removeprefix(f"{crowd.simulator.url}/v1")
        answer = crowd.api.call("GET", path)


@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    count=st.integers(0, 12),
    size=st.integers(1, 4),
    gaps=st.lists(
        st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 40)), max_size=4), max_size=12
    ),
)
def test_who_is_there_throughout_is_seen_exactly_once(
    simulator_process: SimulatorProcess, count: int, size: int, gaps: list[Gap]
):
    crowd = Crowd(simulator_process)
    crowd.begin(count)

    seen = read_all(crowd, size, gaps)

    assert set(seen.values()) <= {1}
    assert crowd.ids.keys() - crowd.gone <= seen.keys()
