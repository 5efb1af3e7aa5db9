"""Danish dates and numbers."""

from __future__ import annotations

DATE_FORMAT = "j. M Y"
DATETIME_FORMAT = "j. M Y, H.i"
TIME_FORMAT = "H.i"
SHORT_DATE_FORMAT = "j. M"
SHORT_DATETIME_FORMAT = "j. M, H.i"
THOUSAND_SEPARATOR = "."
DECIMAL_SEPARATOR = ","
NUMBER_GROUPING = 3
