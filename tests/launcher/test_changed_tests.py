"""`make test-changed`: what a change reaches, and where it is told that this can't be known."""

from __future__ import annotations

import functools

import pytest

from partnerhub.local import changed_tests, run_tests


@pytest.fixture(scope="module", autouse=True)
def _one_graph():
    """The graph takes seconds, and is the same for all."""
    with pytest.MonkeyPatch.context() as patch:
        made = functools.cache(changed_tests._reach)
        patch.setattr(changed_tests, "_reach", lambda files: made(tuple(files)))
        yield


@pytest.mark.parametrize(
    ("changed", "reached"),
    [
        ("userstatus/users/views.py", "tests/userstatus/users/test_page.py"),
        ("userstatus/templates/userstatus/users/list.html", "tests/userstatus/users/test_page.py"),
        ("static/js/live.js", "tests/browser/test_live_rows.py"),
        ("common/throttle.py", "tests/common/test_throttle.py"),
        ("simulator/rules.py", "tests/simulator/test_rules.py"),
        ("tests/provisioning/rig.py", "tests/provisioning/engine/test_manners.py"),
        ("accounts/middleware.py", "tests/accounts/test_sign_in.py"),
    ],
)
def test_a_change_reaches_the_tests_of_what_it_changes(changed, reached):
    assert reached in changed_tests.choose([changed])[0]


def test_what_a_change_does_not_reach_is_not_run():
    chosen, _ = changed_tests.choose(["userstatus/users/views.py"])

    assert "tests/webex/test_client.py" not in chosen
    assert "tests/provisioning/engine/test_manners.py" not in chosen


def test_tests_that_walk_over_everything_are_named_and_left():
    chosen, left = changed_tests.choose(["userstatus/users/views.py"])

    assert "tests/security/test_matrix.py" in left
    assert not set(chosen) & set(left)


def test_a_changed_test_runs_whatever_it_walks_over():
    chosen, _ = changed_tests.choose(["tests/security/test_matrix.py"])

    assert "tests/security/test_matrix.py" in chosen


def test_words_reach_only_the_rules_that_are_always_asked():
    chosen, left = changed_tests.choose(["README.md"])

    assert all(name.startswith(changed_tests.ALWAYS) for name in chosen)
    assert left == []


@pytest.mark.parametrize("name", ["partnerhub/settings.py", "requirements/dev.txt", "a/b.sql"])
def test_where_it_cannot_be_known_it_says_so_and_all_run(name, monkeypatch, capsys):
    ran = []
    monkeypatch.setattr(changed_tests, "changed_files", lambda base: [name])
    monkeypatch.setattr(run_tests, "main", lambda *words: ran.append(words) or 0)

    assert changed_tests.main() == 0

    assert ran == [("test", [])]
    assert f"What depends on {name} can't be known: all tests run." in capsys.readouterr().out


def test_nothing_changed_is_nothing_to_run(monkeypatch, capsys):
    monkeypatch.setattr(changed_tests, "changed_files", lambda base: [])

    assert changed_tests.main() == 0
    assert "no test to run" in capsys.readouterr().out


def test_long_tests_are_left_to_their_own_command(tmp_path):
    usual = run_tests.plan("test", [], tmp_path, with_browser=True)
    long = run_tests.plan("test-long", [], tmp_path, with_browser=True)

    assert len(usual) == len(long) == 3
    assert all(any(word.startswith("not long") for word in run.arguments) for run in usual)
    assert all(any(word.startswith("long") for word in run.arguments) for run in long)
