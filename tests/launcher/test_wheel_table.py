"""A lock is refused while a package has no wheel for one of our Pythons and machines."""

from __future__ import annotations

import pytest

from partnerhub.local import install_packages, lock_requirements, wheel_table
from tests.launcher.conftest import ROOT
from tests.launcher.package_index import offer

EVERYWHERE = ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "macosx_11_0_arm64")


def offer_compiled(index, name, pythons, platforms):
    for python in pythons:
        for platform in platforms:
            offer(index, name, "1.0", tag=f"cp3{python}-cp3{python}-{platform}")
    return f"{name}==1.0"


def missing(pins):
    return {where: what for where, what in wheel_table.look_up(pins).items() if what}


def test_wheels_for_everything_are_enough(indexes):
    index, _ = indexes
    offer(index, "pure", "1.0")
    compiled = offer_compiled(index, "compiled", range(11, 15), EVERYWHERE)

    assert missing(["pure==1.0", compiled]) == {}


def test_a_package_with_wheels_for_one_python_is_named_for_all_others(indexes):
    index, _ = indexes
    offer(index, "pure", "1.0")
    compiled = offer_compiled(index, "compiled", [11], EVERYWHERE)

    assert missing(["pure==1.0", compiled]) == {
        (python, platform): ["compiled==1.0"]
        for python in ("3.12", "3.13", "3.14")
        for platform in wheel_table.PLATFORMS
    }


@pytest.mark.parametrize(
    ("platforms", "without"),
    [
        (("manylinux_2_28_x86_64", "macosx_11_0_arm64"), "Linux ARM64, glibc 2.28"),
        (("manylinux_2_34_x86_64", *EVERYWHERE[1:]), "Linux x86-64, glibc 2.28"),
        *(
            pytest.param(platforms, without, marks=pytest.mark.long)
            for platforms, without in [
                (EVERYWHERE[:2], "macOS 11, ARM"),
                (("manylinux_2_28_aarch64", "macosx_11_0_arm64"), "Linux x86-64, glibc 2.28"),
                (("macosx_14_0_arm64", *EVERYWHERE[:2]), "macOS 11, ARM"),
                (("macosx_11_0_x86_64", *EVERYWHERE[:2]), "macOS 11, ARM"),
            ]
        ),
    ],
)
def test_a_machine_that_no_wheel_is_for_is_named(indexes, platforms, without):
    index, _ = indexes
    compiled = offer_compiled(index, "compiled", range(11, 15), platforms)

    found = missing([compiled])

    assert set(found) == {(python, without) for python in wheel_table.PYTHONS}


def test_what_is_only_wanted_elsewhere_needs_no_wheel_here(indexes):
    index, _ = indexes
    old = offer_compiled(index, "backport", [11], EVERYWHERE)

    assert missing([f"{old} ; python_version < '3.12'"]) == {}


def test_an_index_that_cannot_be_asked_is_no_missing_wheel(indexes, monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")

    with pytest.raises(wheel_table.IndexFailed):
        wheel_table.look_up(["pure==1.0"])


@pytest.fixture
def locks(tmp_path, monkeypatch):
    """A checkout with three sets that ask for one package."""
    folder = tmp_path / "requirements"
    folder.mkdir()
    for name in lock_requirements.SETS:
        (folder / f"{name}.in").write_text("compiled==1.0\n")
        (folder / f"{name}.txt").write_text("")
    (tmp_path / "uv.txt").write_text("")
    for name, value in {"ROOT": tmp_path, "LOCKS": folder, "UV_PIN": tmp_path / "uv.txt"}.items():
        monkeypatch.setattr(lock_requirements, name, value)
    return folder


def test_a_lock_that_lacks_a_wheel_is_refused_and_the_old_one_stays(indexes, locks, capfd):
    offer_compiled(indexes[0], "compiled", [11], EVERYWHERE)

    assert lock_requirements.main([]) == 1

    assert (locks / "dev.txt").read_text() == ""
    told = capfd.readouterr().out
    assert "No wheel of compiled==1.0 for Python 3.14, Linux ARM64, glibc 2.28" in told
    assert "Python 3.11" not in told
    assert "Refused" in told


def test_a_lock_with_all_its_wheels_is_written(indexes, locks):
    offer_compiled(indexes[0], "compiled", range(11, 15), EVERYWHERE)

    assert lock_requirements.main([]) == 0

    text = (locks / "dev.txt").read_text()
    assert text.startswith("compiled==1.0")
    assert text.count("--hash=sha256:") == 12
    assert "://" not in text


@pytest.mark.long
def test_our_own_locks_have_all_their_wheels():
    lock = ROOT / "requirements" / "dev.txt"
    pins = [*wheel_table.pins(install_packages.UV_PIN), *wheel_table.pins(lock)]
    try:
        table = wheel_table.look_up(pins)
    except wheel_table.IndexFailed as error:
        pytest.skip(f"the package index could not be asked: {error}")

    assert not any(table.values()), "\n".join(wheel_table.lines(table))
    assert len(pins) > 100
