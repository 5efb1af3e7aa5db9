"""Which texts the product shows: collected from Python and templates, without GNU gettext.

Reads what Django's own `makemessages` reads: calls of the gettext family with constant texts, and
the translation tags of templates (as `django.utils.translation.template.templatize` sees them).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polib
from django.conf import settings
from django.utils.translation.template import templatize

#: Where texts are not shown to the product's users, or are plain English on purpose.
SKIPPED = frozenset(
    {"tests", "simulator", "benchmarks", "migrations", "local", "static", "staticfiles"}
)
#: Position of context, text and plural among a function's arguments.
_ARGUMENTS: dict[str, tuple[int | None, int, int | None]] = {
    "gettext": (None, 0, None),
    "ngettext": (None, 0, 1),
    "pgettext": (0, 1, None),
    "npgettext": (0, 1, 2),
}
_CALL = re.compile(r"(?<![\w.])(gettext|ngettext|pgettext|npgettext|_)\(")
_STRING = re.compile(r"""\s*u?("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')\s*,?""", re.DOTALL)
_PLACEHOLDER = re.compile(r"%\(\w+\)[#0\- +]*[\d.]*[a-zA-Z]|%[sd]|(?<!\{)\{\w+\}(?!\})")


class Unreadable(ValueError):
    """A text that can't be collected, because it is put together only when it is shown."""


@dataclass(frozen=True, order=True)
class Text:
    """One text: its context and plural are empty for most."""

    message: str
    context: str = ""
    plural: str = ""


Found = dict[Text, set[str]]


def collect(root: Path | None = None) -> Found:
    """Every text with the files that hold it, relative to the root.

    Raises:
        Unreadable: a gettext call got an f-string.
    """
    root = root or settings.BASE_DIR
    found: Found = {}
    for path in _files(root):
        read = in_python if path.suffix == ".py" else in_template
        for text in read(path.read_text()):
            found.setdefault(text, set()).add(path.relative_to(root).as_posix())
    return _merged(found)


def _merged(found: Found) -> Found:
    """One text used with and without a plural is one entry of a catalogue: the one with it."""
    by_key: dict[tuple[str, str], Text] = {}
    merged: Found = {}
    for text in sorted(found, key=lambda text: text.plural, reverse=True):
        kept = by_key.setdefault((text.message, text.context), text)
        merged.setdefault(kept, set()).update(found[text])
    return merged


def _files(root: Path) -> Iterator[Path]:
    for application in sorted(path.parent for path in root.glob("*/__init__.py")):
        for path in sorted(application.rglob("*")):
            inside = path.relative_to(root).parts[:-1]
            if path.suffix in {".py", ".html", ".txt"} and not SKIPPED.intersection(inside):
                yield path


def in_python(source: str) -> Iterator[Text]:
    """Texts in calls of the functions that a module imports from django.utils.translation."""
    tree = ast.parse(source)
    names = dict(_imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (kind := _kind(node.func, names)):
            if any(isinstance(argument, ast.JoinedStr) for argument in node.args):
                raise Unreadable(f"an f-string can't be translated, line {node.lineno}")
            strings = [a.value if isinstance(a, ast.Constant) else None for a in node.args]
            yield from _text(kind, strings)


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            for alias in node.names:
                kind = alias.name.removesuffix("_lazy").removesuffix("_noop")
                if kind in _ARGUMENTS:
                    yield alias.asname or alias.name, kind


def _kind(function: ast.expr, names: dict[str, str]) -> str:
    if isinstance(function, ast.Name):
        return names.get(function.id, "")
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        plain = function.attr.removesuffix("_lazy").removesuffix("_noop")
        return plain if function.value.id == "translation" and plain in _ARGUMENTS else ""
    return ""


def in_template(source: str) -> Iterator[Text]:
    """Texts in translation tags and in `_("…")` of a template."""
    pseudo = templatize(source)
    for call in _CALL.finditer(pseudo):
        strings: list[object] = []
        position = call.end()
        while literal := _STRING.match(pseudo, position):
            strings.append(ast.literal_eval(literal[1]))
            position = literal.end()
        yield from _text("gettext" if call[1] == "_" else call[1], strings)


def _text(kind: str, strings: Sequence[object]) -> Iterator[Text]:
    context, message, plural = (
        "" if place is None else strings[place] if place < len(strings) else None
        for place in _ARGUMENTS[kind]
    )
    if message and isinstance(message, str):
        yield Text(message, str(context or ""), str(plural or ""))


def update(catalogue: polib.POFile, found: Found) -> bool:
    """Bring a catalogue up to date in place; True when anything changed.

    Translations stay, new texts come empty, texts that are gone go; sorted, without line numbers.
    """
    before = str(catalogue)
    known = {key_of(entry): entry for entry in catalogue if not entry.obsolete}
    del catalogue[:]
    for text in sorted(found):
        entry = known.get((text.message, text.context)) or _entry(text)
        _fit(entry, text, found[text])
        catalogue.append(entry)
    return str(catalogue) != before


def key_of(entry: polib.POEntry) -> tuple[str, str]:
    """What makes an entry unique in a catalogue: text and context."""
    return entry.msgid, entry.msgctxt or ""


def _entry(text: Text) -> polib.POEntry:
    return polib.POEntry(msgid=text.message, msgctxt=text.context or None)


def _fit(entry: polib.POEntry, text: Text, files: Iterable[str]) -> None:
    entry.occurrences = [(file, "") for file in sorted(files)]
    entry.msgid_plural = text.plural
    if text.plural and not entry.msgstr_plural:
        entry.msgstr_plural = {0: entry.msgstr, 1: ""}
        entry.msgstr = ""
    elif not text.plural and entry.msgstr_plural:
        entry.msgstr, entry.msgstr_plural = entry.msgstr_plural.get(0, ""), {}
    formatted = "%(" in text.message + text.plural
    flags = [flag for flag in entry.flags if flag != "python-format"]
    entry.flags = [*flags, "python-format"] if formatted else flags


def placeholders(text: str) -> frozenset[str]:
    """`%(name)s`, `%s` and `{name}` in a text, which its translation must carry too."""
    return frozenset(_PLACEHOLDER.findall(text))
