"""Files stay small enough to be read at once; each exception says why and how far it may go."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture import source

PYTHON = 300
TEMPLATE = 150
LONGER = {
    "partnerhub/local/bootstrap.py": (320, "must run alone, before anything of ours is installed"),
}


@pytest.mark.parametrize("path", source.python_files(), ids=source.name)
def test_a_module_is_not_longer_than_a_reading(path: Path) -> None:
    limit, _reason = LONGER.get(source.name(path), (PYTHON, ""))

    assert len(path.read_text().splitlines()) <= limit


@pytest.mark.parametrize("path", source.templates(), ids=source.name)
def test_a_template_is_not_longer_than_a_screen_or_two(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= TEMPLATE


def test_an_exception_that_is_no_longer_needed_goes() -> None:
    spare = [
        name
        for name in LONGER
        if not (source.ROOT / name).exists()
        or len((source.ROOT / name).read_text().splitlines()) <= PYTHON
    ]

    assert spare == []
