"""A mail server on a real socket that answers what a test wants."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
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
    is_deaf_to_quit: bool = False
    breaks_at_rcpt: bool = False
    breaks_at_data: bool = False
    drips: bool = False
    greeted_as: str = ""


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: MailServer = self.server.facts  # type: ignore[attr-defined]
        self._say("220 test")
        while line := self.rfile.readline():
            verb = line.split(None, 1)[0].upper().rstrip(b"\r\n")
            if verb == b"EHLO":
                server.greeted_as = line.split()[1].decode()
            if verb == b"QUIT" and server.is_deaf_to_quit:
                continue
            if verb == b"QUIT":
                self._say("221 bye")
                return
            if verb == b"RCPT" and server.breaks_at_rcpt:
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
        if server.breaks_at_data:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        answer = server.data.pop(0) if server.data else "250 taken"
        if answer.startswith("250"):
            server.mails.append(message_from_bytes(b"".join(lines), policy=default))
        self._say(answer)

    def _say(self, text: str) -> None:
        server: MailServer = self.server.facts  # type: ignore[attr-defined]
        with contextlib.suppress(OSError):  # it hung up
            for piece in f"{text}\r\n".encode() if server.drips else [f"{text}\r\n".encode()]:
                self.wfile.write(bytes([piece]) if isinstance(piece, int) else piece)
                time.sleep(0.3 if server.drips else 0)


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
