"""Where a server's data and program lie, and who runs it. Standard library only.

PostgreSQL refuses to run as root, so as root it runs as `nobody`. Where `nobody` can't reach the
checkout (a clone inside root's home, mode 0700), data and program lie in a private folder outside.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRIVATE_DIRS = Path("/var/tmp")  # noqa: S108 - survives a restart; it is checked and 0700


class PrivateDirRefused(Exception):
    """The private folder exists already and is not safely ours."""


def unprivileged() -> dict[str, Any]:
    """Return the `subprocess` arguments that leave root's rights behind; empty for other users."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def make_private(folder: Path, who: dict[str, Any], *, shared: bool) -> None:
    """Make `folder`: 0700 and owned by the server's user, or, `shared`, only passable for it."""
    if shared:
        folder.mkdir(parents=True, exist_ok=True, mode=0o711 if who else 0o700)
        return
    if folder.exists():
        return
    folder.mkdir(mode=0o700)
    if who:
        os.chown(folder, who["user"], who["group"])


def private_dir_of(folder: Path) -> Path:
    """Return the place of the private folder that belongs to a data folder, made or not."""
    mark = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    return PRIVATE_DIRS / f"partnerhub-{mark}"


def remove_private_dir(folder: Path) -> Path | None:
    """Remove the private folder of a data folder; return its place if there was one."""
    private_dir = private_dir_of(folder)
    if os.geteuid() != 0 or not private_dir.is_dir() or private_dir.is_symlink():
        return None
    shutil.rmtree(private_dir)
    return private_dir


def _reaches(who: dict[str, Any], *folders: Path) -> bool:
    """Tell whether the server's user can pass through all `folders` or their nearest parents."""
    for folder in folders:
        there = next(place for place in (folder, *folder.parents) if place.exists())
        # The shell's own `test`: it needs no program that a PATH must lead to.
        probe = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(there)]
        if subprocess.run(probe, cwd="/", check=False, **who).returncode:  # noqa: S603
            return False
    return True


def _take_private_dir(folder: Path, who: dict[str, Any]) -> Path:
    """Return the private folder of `folder`, made 0700 for the server's user.

    Raises PrivateDirRefused when somebody else made something of that name.
    """
    private_dir = private_dir_of(folder)
    try:
        private_dir.mkdir(mode=0o700)
        os.chown(private_dir, who["user"], who["group"])
    except FileExistsError:
        found = private_dir.lstat()
        ours = stat.S_ISDIR(found.st_mode) and found.st_uid in {0, who["user"]}
        if not ours or stat.S_IMODE(found.st_mode) & 0o077:
            raise PrivateDirRefused(
                f"{private_dir} exists and is not a private folder of ours; move it away, please."
            ) from None
        os.chown(private_dir, who["user"], who["group"])
    return private_dir


def _copy_program(private_dir: Path, wheel: Path, parts: tuple[str, ...]) -> Path:
    """Copy a server's program there, once per version; return the copied package."""
    version = hashlib.sha256(repr([wheel.stat().st_mtime_ns, *parts]).encode()).hexdigest()[:8]
    program = private_dir / f"{wheel.name}-{version}"
    if not program.exists():
        half_made = program.with_name(program.name + ".half-made")
        shutil.rmtree(half_made, ignore_errors=True)
        for part in filter(lambda part: (wheel.parent / part).exists(), parts):
            shutil.copytree(wheel.parent / part, half_made / part, symlinks=True)
        half_made.rename(program)
    return program / wheel.name


@dataclass(frozen=True)
class Home:
    """Where one server lives: its data, its program, and the private folder if it needs one."""

    data: Path
    wheel: Path
    private_dir: Path | None

    @classmethod
    def find(
        cls, folder: Path, name: str, wheel: Path, parts: tuple[str, ...], who: dict[str, Any]
    ) -> Home:
        """Choose the home of server `name` whose data belong in `folder`."""
        if not who or _reaches(who, folder, *(wheel.parent / part for part in parts)):
            return cls(folder / name, wheel, None)
        private_dir = _take_private_dir(folder, who)
        return cls(private_dir / name, _copy_program(private_dir, wheel, parts), private_dir)
