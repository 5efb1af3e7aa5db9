"""Everything that a run needs, started in a private folder and taken down whatever happens."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chaos import endings
from chaos.backend import Backend
from chaos.options import SYNC_SECONDS, Options
from partnerhub.local import databases, local_secrets, private_dirs, servers

PREPARED = "prepared"


class Postgres(servers.Postgres):
    """As in production, but for fsync: what dies here are processes, never the machine."""

    def command(self) -> list[str]:
        """Return the command line of the server."""
        return [*super().command(), "-c", "fsync=off"]


class Stage:
    """The servers of a run. The backend has a PostgreSQL of its own: ours is one that dies."""

    def __init__(self, folder: Path, options: Options) -> None:
        self.folder, self.options = folder, options
        self.logs = _passable(folder / "logs")
        self.postgres = Postgres(_passable(folder / "ours"))
        self.redis = servers.Redis(_passable(folder / "ours"))
        self.theirs = Postgres(_passable(folder / "theirs"))
        database = databases.named(self.theirs.url, "simulator")
        self.backend = Backend(database, self.logs)
        self.environment = self._environment()

    def start(self) -> None:
        """Start the servers and the backend."""
        self.postgres.start(self.logs / "postgres.log")
        self.theirs.start(self.logs / "theirs.log")
        self.redis.start(self.logs / "redis.log")
        databases.ensure(self.theirs.url, "simulator")
        databases.ensure(self.postgres.url, PREPARED)
        self.backend.start()

    def stop(self) -> None:
        """Take everything down."""
        self.backend.child.kill()
        for server in (self.redis, self.postgres, self.theirs):
            if server.process:  # one that is paused takes no other signal
                server.process.send_signal(signal.SIGCONT)
            server.stop(at_once=True)
        for server in (self.postgres, self.theirs):
            private_dirs.remove_private_dir(server.folder)

    def mend(self) -> None:
        """Bring back whatever a fault left dead or paused, so that the next one finds it whole."""
        if not self.backend.child.is_ready():
            self.backend.child.kill()
            self.backend.child.start()
        self.backend.heal()
        for server, name in ((self.postgres, "postgres"), (self.redis, "redis")):
            process = server.process
            if process and process.poll() is None:
                process.send_signal(signal.SIGCONT)
            if process is None or process.poll() is not None:
                server.start(self.logs / f"{name}.log")

    def database_url(self, name: str) -> str:
        """Where a database of ours is reached."""
        return databases.named(self.postgres.url, name)

    def _environment(self) -> dict[str, str]:
        """What processes of the product are told, but for the database of each run."""
        given = {name: value for name, value in os.environ.items() if name != "EMAIL_URL"}
        return given | {
            "DJANGO_SETTINGS_MODULE": "partnerhub.settings",
            "DATABASE_URL": self.database_url(PREPARED),
            "REDIS_URL": self.redis.url,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "TOKEN_KEYS": local_secrets.token_key(),
            "ALLOWED_HOSTS": "127.0.0.1",
            "EMBEDDED": "1",
            "STATICFILES_BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
            "STATIC_ROOT": str(_passable(self.folder / "static")),
            "BACKEND_HOSTS": "127.0.0.1",
            "EXPORTS_DIR": str(self.folder / "exports"),
            "SIMULATOR_URL": "",
            "SIMULATOR_CONTROL_TOKEN": "",
            "TIME_SCALE": str(self.options.scale),
            "SYNC_SECONDS": str(SYNC_SECONDS),
            "LOG_LEVEL": "INFO",
            "TMPDIR": str(_passable(self.folder / "tmp")),  # killed processes leave things there
            "PYTHONUNBUFFERED": "1",
        }


@contextmanager
def opened(options: Options) -> Iterator[Stage]:
    """Start a stage; at the end nothing of it is left but what was kept on purpose."""
    endings.listen()
    folder = Path(tempfile.mkdtemp(prefix="partnerhub-chaos-"))
    folder.chmod(0o711)
    stage = Stage(folder, options)
    try:
        stage.start()
        yield stage
    finally:
        with suppress(ProcessLookupError):
            stage.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _passable(folder: Path) -> Path:
    """Make a folder through which the servers' own user may pass."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
    return folder
