"""What a form was drawn from, in one word that it carries and gives back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def version_of(facts: Mapping[str, Any]) -> str:
    """The same for the same values, whoever saved them and when."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
