"""Codes of our own. Cisco's are numbers; ours begin with PH so that nobody mistakes them."""

from __future__ import annotations

REFUSED = "PH-REFUSED"
GAVE_UP = "PH-GAVE-UP"
GONE = "PH-GONE"
EXPIRED = "PH-EXPIRED"
UNCLEAR = "PH-UNCLEAR"
POISON = "PH-POISON"
