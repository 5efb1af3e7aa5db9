"""Sessions as Django keeps them in the database, read by SQL that is written once."""

from __future__ import annotations

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import connection as database

from common import clock

_READ = """
    SELECT session_key, session_data, expire_date FROM django_session
     WHERE session_key = %s AND expire_date > %s
"""


class SessionStore(db.SessionStore):
    """Every request asks for its session, and Django would build the query anew each time."""

    def _get_session_from_db(self) -> Session | None:
        with database.cursor() as cursor:
            cursor.execute(_READ, [self.session_key, clock.now()])
            row = cursor.fetchone()
        if row is None:
            self._session_key = None  # as Django does: a key that is unknown is never used again
            return None
        return Session(*row)
