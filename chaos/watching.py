"""What must not grow over a long run: memory, keys in Redis, dead rows."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
import redis
from django.db import DatabaseError, connection

from chaos.processes import Child

#: Growth from the first to the last quarter that is still level.
LEVEL = 1.2
MAX_KEYS = 50
#: Dead rows that autovacuum leaves, as a share of the living, and a number that never matters.
DEAD_SHARE, DEAD_AT_LEAST = 1.0, 5000
DEAD = """
    SELECT relname, n_live_tup, n_dead_tup FROM pg_stat_user_tables
    WHERE relname LIKE 'provisioning_%' OR relname LIKE 'accounts_%'
"""


@dataclass
class Readings:
    """What was read, oldest first."""

    memory: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    keys: list[int] = field(default_factory=list)
    dead: dict[str, tuple[int, int]] = field(default_factory=dict)

    def take(self, children: Sequence[Child], broker: redis.Redis) -> None:
        """Read everything that can be read now; what is away is left out."""
        for child in children:
            with suppress(psutil.Error):
                sizes = [one.memory_info().rss / 1e6 for one in child.family()]
                if sizes:
                    self.memory[child.name].append(sizes[0])
                if sizes[1:]:
                    self.memory[f"{child.name}'s children"].append(max(sizes[1:]))
        with suppress(redis.RedisError):
            self.keys.append(int(broker.dbsize()))
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute(DEAD)
            self.dead = {name: (live, dead) for name, live, dead in cursor.fetchall()}

    def notes(self) -> list[str]:
        """What they come to, in words."""
        grown = [f"{name} {first:.0f} → {last:.0f} MB" for name, first, last in self._growth()]
        dead = sum(dead for _live, dead in self.dead.values())
        return [", ".join(grown), f"{max(self.keys, default=0)} keys in Redis, {dead} dead rows"]

    def problems(self) -> list[str]:
        """What grew beyond what is level."""
        found = [
            f"{name} grew from {first:.0f} to {last:.0f} MB"
            for name, first, last in self._growth()
            if last > first * LEVEL
        ]
        if self.keys and self.keys[-1] > MAX_KEYS:
            found.append(f"{self.keys[-1]} keys in Redis at the end")
        found += [
            f"{name} has {dead} dead rows beside {live}"
            for name, (live, dead) in self.dead.items()
            if dead > max(DEAD_AT_LEAST, live * DEAD_SHARE)
        ]
        return found

    def _growth(self) -> list[tuple[str, float, float]]:
        """The medians of the first and the last quarter."""
        return [
            (name, statistics.median(sizes[:quarter]), statistics.median(sizes[-quarter:]))
            for name, sizes in self.memory.items()
            if (quarter := len(sizes) // 4)
        ]
