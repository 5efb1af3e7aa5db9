from __future__ import annotations

import polib
import pytest

from partnerhub.management.commands import prepare


@pytest.fixture
def source(tmp_path, settings):
    settings.LOCALE_PATHS = [tmp_path]
    path = tmp_path / "da" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    path.write_text('msgid "Users"\nmsgstr "Brugere"\n')
    return path


def names(source) -> list[str]:
    return sorted(path.name for path in source.parent.iterdir())


def test_translations_are_compiled_beside_their_source(source):
    prepare.compile_translations()

    assert polib.mofile(str(source.with_suffix(".mo")))[0].msgstr == "Brugere"
    assert names(source) == ["django.mo", "django.po"]


def test_a_reader_never_meets_half_a_file(source, monkeypatch):
    def half(file: polib.POFile, path: str) -> None:
        with open(path, "wb") as target:
            target.write(b"\xde\x12")
        raise OSError("no space left")

    monkeypatch.setattr(polib.POFile, "save_as_mofile", half)
    with pytest.raises(OSError, match="no space"):
        prepare.compile_translations()

    assert not source.with_suffix(".mo").exists()
