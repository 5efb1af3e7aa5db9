"""`manage.py prepare` on a database that another version of the product made."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from partnerhub.management.commands.prepare import refuse_other_versions

pytestmark = pytest.mark.django_db


def applied(app: str, name: str) -> None:
    MigrationRecorder(connection).record_applied(app, name)


def test_a_database_of_this_version_is_fine():
    refuse_other_versions()


def test_one_of_another_version_is_left_alone_and_says_what_to_do():
    applied("provisioning", "0009_composed_letters")

    with pytest.raises(CommandError, match="provisioning 0009_composed_letters") as refused:
        call_command("prepare")

    assert "make reset" in str(refused.value)


def test_one_that_is_not_our_own_to_forget_is_not_told_to_be_reset(settings):
    settings.EMBEDDED = False
    applied("accounts", "0005_rest_between_full_passes")

    with pytest.raises(CommandError, match="give an empty database as DATABASE_URL"):
        call_command("prepare")


def test_what_a_library_has_dropped_is_passed_over():
    applied("account", "0099_of_a_newer_allauth")

    refuse_other_versions()
