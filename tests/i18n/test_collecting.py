"""What counts as a text of the product: the ground under test_danish."""

from __future__ import annotations

from pathlib import Path

import polib
import pytest

from partnerhub import message_extraction
from partnerhub.message_extraction import Text


def test_calls_of_the_gettext_family_are_found_under_any_name() -> None:
    source = (
        "from django.utils.translation import gettext_lazy as _, ngettext as n, pgettext_lazy\n"
        "from django.utils import translation\n"
        "_('plain' ' and joined'); n('%(n)s row', '%(n)s rows', 2); pgettext_lazy('noun', 'May')\n"
        "translation.gettext('by module'); other('not ours')\n"
    )

    assert set(message_extraction.in_python(source)) == {
        Text("plain and joined"),
        Text("%(n)s row", plural="%(n)s rows"),
        Text("May", context="noun"),
        Text("by module"),
    }


def test_a_function_of_the_same_name_from_elsewhere_is_not_a_text() -> None:
    assert not set(message_extraction.in_python("from gettext import gettext\ngettext('stdlib')\n"))


def test_an_f_string_is_refused() -> None:
    source = "from django.utils.translation import gettext as _\n_(f'{name} is stuck')\n"

    with pytest.raises(message_extraction.Unreadable):
        list(message_extraction.in_python(source))


def test_tags_of_templates_are_found() -> None:
    source = """{% translate "It's here" %}{% translate 'May' context 'noun' as may %}
        {% blocktranslate trimmed count n=rows %}{{ n }}
          row{% plural %}{{ n }} rows{% endblocktranslate %}{% thing label=_("Given") %}
        {# translate "not this" #}"""

    assert set(message_extraction.in_template(source)) == {
        Text("It's here"),
        Text("May", context="noun"),
        Text("%(n)s row", plural="%(n)s rows"),
        Text("Given"),
    }


def test_an_update_keeps_translations_adds_new_texts_and_drops_old_ones() -> None:
    catalogue = polib.POFile()
    catalogue.append(polib.POEntry(msgid="kept", msgstr="beholdt"))
    catalogue.append(polib.POEntry(msgid="gone", msgstr="borte"))

    changed = message_extraction.update(
        catalogue, {Text("kept"): {"a.py"}, Text("added"): {"b.py"}}
    )

    assert changed
    assert [(entry.msgid, entry.msgstr) for entry in catalogue] == [
        ("added", ""),
        ("kept", "beholdt"),
    ]
    assert not message_extraction.update(
        catalogue, {Text("kept"): {"a.py"}, Text("added"): {"b.py"}}
    )


def test_a_text_that_gains_a_plural_keeps_its_singular_translation() -> None:
    catalogue = polib.POFile()
    catalogue.append(polib.POEntry(msgid="%(n)s row", msgstr="%(n)s række"))

    message_extraction.update(catalogue, {Text("%(n)s row", plural="%(n)s rows"): {"a.py"}})

    assert catalogue[0].msgstr_plural == {0: "%(n)s række", 1: ""}
    assert catalogue[0].flags == ["python-format"]


def test_the_whole_product_can_be_collected(tmp_path: Path) -> None:
    found = message_extraction.collect()

    assert {Text("Retry activation"), Text("Sign in"), Text("User status")} <= set(found)
    assert not [file for files in found.values() for file in files if "tests/" in file]
