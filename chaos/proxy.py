"""`python -m chaos.proxy --listen PORT --to PORT --log FILE --seed N --chance P`.

A TCP proxy before PostgreSQL that cuts a connection exactly at COMMIT, so that the client cannot
know what became of its transaction. Half of the cuts come before the COMMIT reaches the server
(nothing happened), half after the server has answered it (everything did).

Only commits of transactions that changed jobs are cut. SIGUSR1 begins, SIGUSR2 ends it. A client
must come without TLS (`sslmode=disable`), since the proxy reads along.
Wire format: https://www.postgresql.org/docs/18/protocol-message-formats.html
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import signal
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path

from partnerhub.local import parent_death

CHANGES_A_JOB = re.compile(rb'(UPDATE|INSERT INTO)\s+"?provisioning_job"?\b', re.IGNORECASE)
BEGINS = re.compile(rb"\s*BEGIN", re.IGNORECASE)
ENDS = re.compile(rb"\s*(COMMIT|ROLLBACK)\s*;?\s*\x00?\s*$", re.IGNORECASE)
COMMITS = re.compile(rb"\s*COMMIT\s*;?\s*\x00?\s*$", re.IGNORECASE)
#: Statements whose plan the session keeps are named once, and then run by their name.
PREPARES = re.compile(rb"\s*PREPARE (\w+)", re.IGNORECASE)
EXECUTES = re.compile(rb"\s*EXECUTE (\w+)", re.IGNORECASE)
QUERY = b"Q"


class Transaction:
    """What one client's transaction has done so far."""

    def __init__(self) -> None:
        self.is_open = False
        self.changes: list[bytes] = []
        self.kept: dict[bytes, bytes] = {}

    def commits(self, text: bytes) -> bytes:
        """Take a statement in; returns what it commits, if that changed a job, else nothing."""
        if ENDS.match(text):
            found = self.changes[-1] if COMMITS.match(text) and self.changes else b""
            self.is_open, self.changes = False, []
            return found
        if BEGINS.match(text):
            self.is_open = True
        if told := PREPARES.match(text):
            self.kept[told[1]] = text
            return b""
        if run := EXECUTES.match(text):
            text = self.kept[run[1]] + text
        if not CHANGES_A_JOB.search(text):
            return b""
        if self.is_open:
            self.changes.append(text)
            return b""
        return text  # a statement of its own commits itself


class Proxy:
    """Where clients come, where they are led, and how often that goes wrong."""

    def __init__(self, to: int, log: Path, seed: int, chance: float) -> None:
        self.to, self.log, self.chance = to, log, chance
        self.luck = random.Random(seed)
        self.is_on = False

    async def serve(self, port: int) -> None:
        """Serve until the process ends."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, lambda: setattr(self, "is_on", True))
        loop.add_signal_handler(signal.SIGUSR2, lambda: setattr(self, "is_on", False))
        server = await asyncio.start_server(self._meet, "127.0.0.1", port)
        print("listening", flush=True)
        async with server:
            await server.serve_forever()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            writer.close()
            return
        with suppress(OSError, asyncio.IncompleteReadError):
            await _Pair(self, (reader, writer), there).carry()
        for one in (writer, there[1]):
            one.close()

    def draws(self, statement: bytes) -> str:
        """Tell whether this commit is cut, and where: "before", "after" or "" for not."""
        if not self.is_on or self.luck.random() >= self.chance:
            return ""
        where = self.luck.choice(["before", "after"])
        entry = {"t": time.time(), "cut": where, "what": _name(statement)}
        with self.log.open("a") as file:
            file.write(json.dumps(entry) + "\n")
        return where


class _Pair:
    """One client and its connection to the server."""

    def __init__(
        self,
        proxy: Proxy,
        here: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        there: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.proxy = proxy
        self.reader, self.writer = here
        self.server_reader, self.server_writer = there
        self.transaction = Transaction()
        self.is_cut = False

    async def carry(self) -> None:
        """Carry messages both ways until either side is through or the cut comes."""
        back = asyncio.create_task(self._back())
        try:
            await self._forth()
        finally:
            back.cancel()

    async def _forth(self) -> None:
        length = await self.reader.readexactly(4)  # the first message has no type
        rest = await self.reader.readexactly(struct.unpack("!I", length)[0] - 4)
        self.server_writer.write(length + rest)
        while True:
            head = await self.reader.readexactly(5)
            kind, size = head[:1], struct.unpack("!I", head[1:])[0] - 4
            body = await self.reader.readexactly(size)
            statement = self.transaction.commits(body) if kind == QUERY else b""
            cut = self.proxy.draws(statement) if statement else ""
            if cut == "before":
                return
            self.is_cut = cut == "after"
            self.server_writer.write(head + body)
            await self.server_writer.drain()

    async def _back(self) -> None:
        """Carry answers; when the cut has come, end at the next answer without passing it on."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while part := await self.server_reader.read(65536):
                if self.is_cut:
                    break
                self.writer.write(part)
                await self.writer.drain()
        self.writer.close()


def _name(statement: bytes) -> str:
    """What is committed, for the log: the statement's beginning and the states that it names."""
    states = re.findall(rb"'(queued|sending|checking|waiting|done|failed|cancelled)'", statement)
    return f"{statement[:40].decode(errors='replace')} … {b' '.join(states).decode()}"


def main(arguments: list[str]) -> None:
    """Serve until killed."""
    parent_death.ask_for_signal(signal.SIGTERM)
    parser = argparse.ArgumentParser(prog="chaos.proxy")
    for name in ("listen", "to", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--chance", type=float, required=True)
    parser.add_argument("--log", type=Path, required=True)
    told = parser.parse_args(arguments)
    asyncio.run(Proxy(told.to, told.log, told.seed, told.chance).serve(told.listen))


if __name__ == "__main__":
    main(sys.argv[1:])
