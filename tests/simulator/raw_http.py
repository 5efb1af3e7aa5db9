"""Requests as bytes, for what no HTTP library would send."""

from __future__ import annotations

import socket

import requests

from tests.simulator.conftest import TOKEN
from tests.simulator_process import SimulatorProcess


def send_raw(simulator: SimulatorProcess, text: bytes) -> requests.Response:
    """Send bytes as they are, and read the answer until the connection closes."""
    host, port = simulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(text)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    answer = requests.Response()
    answer.status_code = int(lines[0].split()[1])
    answer.headers.update(dict(line.split(": ", 1) for line in lines[1:]))
    answer._content = body
    answer.request = requests.Request("GET", simulator.url).prepare()
    return answer


def raw(line: str, *headers: str, body: bytes = b"") -> bytes:
    fixed = (f"Authorization: Bearer {TOKEN}", "Connection: close")
    return "\r\n".join((line, *fixed, *headers)).encode("latin-1") + b"\r\n\r\n" + body
