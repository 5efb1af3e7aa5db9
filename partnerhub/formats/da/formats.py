"""Danish dates and numbers."""

from __future__ import annotations

DATE_FORMAT = "j. N Y"
DATETIME_FORMAT = "j. N Y, H.i"
TIME_FORMAT = "H.i"
SHORT_DATE_FORMAT = "j. N"
SHORT_DATETIME_FORMAT = "j. N, H.i"
THOUSAND_SEPARATOR = "."
DECIMAL_SEPARATOR = ","
NUMBER_GROUPING = 3
