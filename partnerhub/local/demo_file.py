"""`.run/demo.json`: written by the seed, completed and kept true by the supervisor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from partnerhub.local import local_secrets


def read(path: Path) -> dict[str, Any]:
    """Return what the file holds; nothing when it is missing or not what we wrote."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def update(path: Path, values: dict[str, Any]) -> None:
    """Set top-level keys in one step, so that no reader ever meets half a file."""
    text = json.dumps(read(path) | values, ensure_ascii=False, indent=2)
    local_secrets.write_private(path, text + "\n")


def describe(path: Path, url: str) -> list[str]:
    """Return the lines that tell a person where to click and how to sign in."""
    demo = read(path)
    if "administrators" not in demo:
        return []
    lines = [f"Sign in at {url}/login/ with the password {demo.get('password', '')}"]
    for person in demo["administrators"]:
        about = (person.get("partner"), str(person.get("role", "")).replace("_", " "))
        lines.append(f"  {person['email']:<28} {', '.join(filter(None, about))}")
    if operations := demo.get("operations"):
        lines.append(f"  {operations:<28} operations: {url}/admin/")
    lines.append("Activation links for end users, one per template")
    for template in demo.get("templates", []):
        lines.append(f"  {template.get('activation_url', '')}  {template.get('name', '')}")
    return lines
