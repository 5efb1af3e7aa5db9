"""Files stay small enough to be read at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture import source

PYTHON = 300
TEMPLATE = 150


@pytest.mark.parametrize("path", source.python_files(), ids=source.name)
def test_a_module_is_not_longer_than_a_reading(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= PYTHON


@pytest.mark.parametrize("path", source.templates(), ids=source.name)
def test_a_template_is_not_longer_than_a_screen_or_two(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= TEMPLATE
