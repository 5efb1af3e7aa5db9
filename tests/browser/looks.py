"""The looks in which axe goes over a page."""

from __future__ import annotations

import pytest

#: Width and colour scheme. What depends on both at once is rare: two of the four are asked each
#: time, the others by `make test-long`.
LOOKS = pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1440, "light"),
        (390, "dark"),
        pytest.param(1440, "dark", marks=pytest.mark.long),
        pytest.param(390, "light", marks=pytest.mark.long),
    ],
)
