"""Serving with gunicorn, in this process: threads in one worker, stopped by SIGTERM."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.http import wsgi

from simulator.wire import DatedResponse

_ENDINGS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


class Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """gunicorn with our options and no configuration file."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from simulator.wsgi import application

        return application


def options_for(*, host: str, port: int, threads: int, workers: int) -> dict[str, Any]:
    """Return gunicorn's settings; the benchmark serves its bare view with the same."""
    return {
        "bind": f"{host}:{port}",
        "worker_class": "simulator.worker.Worker",
        "limit_request_line": 8190,  # the most that gunicorn can
        "workers": workers,
        "threads": threads,
        "keepalive": 65,  # longer than clients keep an idle connection
        "graceful_timeout": 5,
        "control_socket_disable": True,
        "proc_name": "simulator",
        "loglevel": "warning",
    }


def serve(*, host: str, port: int, threads: int, workers: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    wsgi.Response = DatedResponse  # looked up by this name for every request
    _hold_signals_at_birth()
    Server(options_for(host=host, port=port, threads=threads, workers=workers)).run()


def _hold_signals_at_birth() -> None:
    """Let a worker end that is told to before it has handlers of its own.

    By the master's, which it is born with, it would note the signal and never look. On a busy
    machine it may be told before its first turn.
    """
    os.register_at_fork(
        before=partial(signal.pthread_sigmask, signal.SIG_BLOCK, _ENDINGS),
        after_in_parent=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, _ENDINGS),
        after_in_child=_begin,
    )


def _begin() -> None:
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)
