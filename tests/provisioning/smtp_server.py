"""A mail server on a real socket that answers what a test wants."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default


@dataclass
class MailServer:
    """What came in, and what to answer: `rcpt` and `data` hold the next answers, else 250."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    rcpt: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: MailServer = self.server.facts  # type: ignore[attr-defined]
        self._say("220 test")
        while line := self.rfile.readline():
            verb = line.split(None, 1)[0].upper().rstrip(b"\r\n")
            if verb == b"QUIT":
                self._say("221 bye")
                return
            if verb == b"RCPT":
                self._say(server.rcpt.pop(0) if server.rcpt else "250 ok")
            elif verb == b"DATA":
                self._take(server)
            else:
                self._say("250 ok")

    def _take(self, server: MailServer) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        answer = server.data.pop(0) if server.data else "250 taken"
        if answer.startswith("250"):
            server.mails.append(message_from_bytes(b"".join(lines), policy=default))
        self._say(answer)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def running_mail_server() -> Iterator[MailServer]:
    """Serve on a free port until the block ends."""
    facts = MailServer()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.facts = facts  # type: ignore[attr-defined]
        facts.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield facts
        server.shutdown()
        thread.join(100)
