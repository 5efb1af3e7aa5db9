"""A control API in memory, for what a real simulator cannot be brought to: strange answers."""

from __future__ import annotations

from typing import Any

from partnerhub.rehearsal.simulator_client import Refused

Json = dict[str, Any]
KIND = {
    "kind": "too_many",
    "title": "Too many requests",
    "description": "Answers 429.",
    "operations": ["provision", "list"],
    "options": {
        "retry_after": {
            "default": "seconds",
            "description": "The form of Retry-After.",
            "values": ["seconds", "date", "malformed"],
        },
        "seconds": {"default": 5, "description": "How long."},
        "share": {"default": 0.5, "description": "A share."},
        "late": {"default": False, "description": "After the effect?"},
        "body": {"default": None, "description": "What is answered."},
    },
}
SCENARIO = {
    "name": "first-day",
    "title": "A first day",
    "description": "Everybody is new.",
    "watch": ["The list fills.", "Nobody is lost."],
}


class FakeControl:
    """Answers as the simulator would; `answers` replaces an answer, or raises it."""

    def __init__(self) -> None:
        self.faults: list[Json] = []
        self.scenario: Json | None = None
        self.calls: list[tuple[str, str, Json | None]] = []
        self.answers: dict[str, Any] = {}

    def __call__(self, method: str, path: str, body: Any = None, seconds: float = 0) -> Json:
        self.calls.append((method, path, body))
        name = path.partition("?")[0]
        if name in self.answers:
            if isinstance(self.answers[name], Exception):
                raise self.answers[name]
            return dict(self.answers[name])
        answer: Json = getattr(self, f"{method.lower()}_{name.partition('/')[0]}")(path, body)
        return answer

    def made(self, method: str, name: str) -> list[Json | None]:
        """The bodies of calls."""
        return [b for m, path, b in self.calls if m == method and path.startswith(name)]

    def get_rehearsal(self, path: str, body: Any) -> Json:
        return {
            "running": bool(self.faults or self.scenario),
            "run": 1,
            "scenario": self.scenario,
            "since": "2026-07-01T10:00:00.000Z" if self.scenario else None,
            "ends_at": None,
            "faults": self.faults,
        }

    def delete_rehearsal(self, path: str, body: Any) -> Json:
        self.faults, self.scenario = [], None
        return {}

    def get_kinds(self, path: str, body: Any) -> Json:
        return {"items": [KIND]}

    def get_scenarios(self, path: str, body: Any) -> Json:
        return {"items": [SCENARIO]}

    def post_scenarios(self, path: str, body: Any) -> Json:
        self.scenario = {"name": SCENARIO["name"], "title": SCENARIO["title"]}
        return {
            "name": SCENARIO["name"],
            "title": SCENARIO["title"],
            "loaded": {"subscribers": 7},
            "faults": 2,
            "template": {"untrusted_emails": False, "provision_admin_first": True, "odd": 1},
            "logins": [{"user_id": "45@x.example", "password": "pass-word", "expect": "ok"}],
        }

    def post_faults(self, path: str, body: Json) -> Json:
        known = {"hits": 0, "title": KIND["title"], "operation": "*", "options": {}}
        self.faults.append(known | body | {"id": len(self.faults) + 1})
        return {"id": len(self.faults)}

    def delete_faults(self, path: str, body: Any) -> Json:
        number = int(path.rpartition("/")[2])
        if not any(fault["id"] == number for fault in self.faults):
            raise Refused(404, "no such fault")
        self.faults = [fault for fault in self.faults if fault["id"] != number]
        return {}

    def get_judge(self, path: str, body: Any) -> Json:
        none = {"count": 0, "items": []}
        lists = {"doubled": none, "overlaps": none, "early": none, "repeated": none}
        return {"right": True, "lines": 3, "counts": []} | lists

    def get_requests(self, path: str, body: Any) -> Json:
        return {"items": []}
