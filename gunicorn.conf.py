"""How gunicorn serves the product, for `make run` and for the image."""

from __future__ import annotations

import os
from typing import Any

bind = os.environ.get("WEB_BIND", "127.0.0.1:8000")
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
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


def when_ready(server: Any) -> None:
    """Get ready before the first fork instead of at the first request."""
    from partnerhub.preload import warm

    warm()
