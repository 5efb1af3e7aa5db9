"""A mail server on a real socket: away, slow, refusing, or the death of who hands it a mail."""

from __future__ import annotations

import re
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from random import Random

import psutil

from partnerhub.local.servers import free_port

#: Mail.uuid and the number of the attempt, as the product writes them into the Message-ID.
MAIL = re.compile(r"<([0-9a-f-]{36})\.(\d+)@")
Senders = Callable[[], list[psutil.Process]]


@dataclass(frozen=True)
class Delivered:
    """A mail that the server has taken, whether or not its sender ever learnt that."""

    mail: str
    at: float
    text: str


@dataclass(frozen=True)
class Strike:
    """A sender that was killed while it handed in a mail, before or after that was taken."""

    mail: str
    at: float
    is_taken: bool


class MailServer:
    """What it does with mails is set by `seconds`, `refusals` and `deaths`."""

    def __init__(self, luck: Random, senders: Senders) -> None:
        self.port = free_port()
        self.seconds = 0.0  # before each mail's answer
        self.refusals = 0.0  # chance of "try later" for each recipient
        self.deaths = 0.0  # chance of a sender to be killed, once before and once after each mail
        self.refused = 0
        self.delivered: list[Delivered] = []
        self.strikes: list[Strike] = []
        self._luck, self._senders = luck, senders
        self._server: socketserver.ThreadingTCPServer | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Listen."""
        self._server = _Listener(("127.0.0.1", self.port), _Handler)
        self._server.facts = self  # type: ignore[attr-defined]
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    def stop(self) -> None:
        """Listen no more: whoever comes is refused."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def times(self) -> Counter[str]:
        """How often each mail was taken."""
        return Counter(one.mail for one in self.delivered)

    def refuses(self) -> bool:
        """Tell whether the next recipient is to be refused."""
        with self._lock:
            refused = self._luck.random() < self.refusals
            self.refused += refused
        return refused

    def take(self, message: EmailMessage, port: int) -> bool:
        """Take a mail that came from a port; False when its sender is dead."""
        found = MAIL.match(message["Message-ID"])
        mail = found[1] if found else ""
        if self._kills(mail, port, is_taken=False):
            return False
        time.sleep(self.seconds)
        body = message.get_body(("plain",))
        text = body.get_content() if body else ""
        with self._lock:
            self.delivered.append(Delivered(mail, time.time(), text))
        return not self._kills(mail, port, is_taken=True)

    def _kills(self, mail: str, port: int, *, is_taken: bool) -> bool:
        with self._lock:
            before = any(one.mail == mail and one.is_taken == is_taken for one in self.strikes)
            if before or self._luck.random() >= self.deaths:
                return False
        for process in self._senders():
            with suppress(psutil.Error):
                if any(link.laddr.port == port for link in process.net_connections("tcp")):
                    process.kill()
                    process.wait(5)
                    with self._lock:
                        self.strikes.append(Strike(mail, time.time(), is_taken))
                    return True
        return False


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        facts: MailServer = self.server.facts  # type: ignore[attr-defined]
        with suppress(OSError):
            self._talk(facts)

    def _talk(self, facts: MailServer) -> None:
        self._say("220 ready")
        while line := self.rfile.readline():
            verb = line.split(None, 1)[0].upper().rstrip(b"\r\n")
            if verb == b"QUIT":
                return self._say("221 bye")
            if verb == b"RCPT":
                self._say("451 try later" if facts.refuses() else "250 ok")
            elif verb == b"DATA":
                self._take(facts)
            else:
                self._say("250 ok")
        return None

    def _take(self, facts: MailServer) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return  # cut off in the middle: no mail
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        message = message_from_bytes(b"".join(lines), policy=default)
        if facts.take(message, self.client_address[1]):
            self._say("250 taken")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
