"""How gunicorn serves the product, for `make run` and for the image."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import Any

from partnerhub.environment import Environment

_env = Environment(os.environ)
bind = _env.text("WEB_BIND", "127.0.0.1:8000")
worker_class = "gthread"
workers = _env.integer("WEB_WORKERS", 2, 1, 256)
threads = _env.integer("WEB_THREADS", 4, 1, 256)
_env.refuse_wrong()
timeout = 30
graceful_timeout = 10
keepalive = 5
# A selection of rows or a long list of filters stands in the address.
limit_request_line = 8190
# Load once, fork often: the first request is quick and the processes share memory.
preload_app = True
# Since 25 gunicorn opens a socket in $HOME that lets the same user shut it down.
control_socket_disable = True
# The heartbeat must not wait for a busy disk.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108

_ENDINGS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


def _begin() -> None:
    """Let a new worker end when it is told to before it has handlers of its own.

    By those of the master, which it is born with, it would note the signal and never look; the
    master would wait for it as long as `graceful_timeout` says.
    """
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)


# On a busy machine a new worker may be told to end before its first turn: that must wait for it.
os.register_at_fork(
    before=partial(signal.pthread_sigmask, signal.SIG_BLOCK, _ENDINGS),
    after_in_parent=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, _ENDINGS),
    after_in_child=_begin,
)


def when_ready(server: Any) -> None:
    """Get ready before the first fork instead of at the first request."""
    from partnerhub.preload import warm

    warm()
