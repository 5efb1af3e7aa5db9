"""Addresses in exported files are those that people see."""

from __future__ import annotations

import io

import pytest

from provisioning.exports import files
from provisioning.models import Subscriber
from provisioning.states import Status
from tests import factories


@pytest.mark.django_db
def test_a_domain_stands_in_a_file_in_its_own_letters(template):
    factories.make_subscriber(
        template,
        Status.ERROR,
        email="anna@xn--blbr-roah.example",
        error_text="anna@xn--80ak6aa92e.example",
    )
    file = io.BytesIO()

    files.copy(Subscriber.objects.all(), file)

    text = file.getvalue().decode()
    assert "anna@blåbær.example" in text
    assert "anna@xn--80ak6aa92e.example" in text  # looks like another domain
