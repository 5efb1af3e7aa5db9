from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.sessions import SessionStore

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept() -> SessionStore:
    store = SessionStore()
    store["word"] = "æble"
    store.create()
    return store


def test_a_session_says_what_was_kept_with_one_query(kept, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert SessionStore(kept.session_key)["word"] == "æble"


def test_what_changes_is_kept(kept):
    again = SessionStore(kept.session_key)
    again["word"] = "pære"
    again.save()

    assert SessionStore(kept.session_key)["word"] == "pære"


def test_an_expired_session_is_forgotten_with_its_key(kept):
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    store = SessionStore(kept.session_key)

    assert store.get("word") is None
    assert store.session_key is None


def test_a_key_that_somebody_made_up_is_never_used(db):
    store = SessionStore("m" * 32)
    store["word"] = "mine"
    store.save()

    assert store.session_key != "m" * 32
