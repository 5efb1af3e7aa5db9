from __future__ import annotations

import logging

from accounts import sign_in_log
from accounts.models import User


def test_every_try_to_sign_in_leaves_a_line_without_the_name(client, db, caplog):
    User.objects.create_user("anna@nordictel.example", "right-password-1")
    with caplog.at_level(logging.INFO, logger="accounts.sign_in_log"):
        for password in ("wrong-password", "right-password-1"):
            client.post("/login/", {"login": "anna@nordictel.example", "password": password})
        client.post("/logout/")

    assert [r.message for r in caplog.records] == ["sign-in refused", "signed in", "signed out"]
    marks = {r.user_id_hash for r in caplog.records}
    assert marks == {sign_in_log.hashed("anna@nordictel.example")}
    assert "anna" not in caplog.text
