from __future__ import annotations

from django.urls import reverse

from tests.factories import make_subscriber


def test_the_page_shows_the_templates_users(client_of, anna, template):
    make_subscriber(template, "error", error_code="200042", broadworks_id="a@x.example")
    make_subscriber(template, "nie_gesehen", broadworks_id="b@x.example")

    page = client_of(anna).get(reverse("userstatus:users", args=[template.uuid]))

    assert page.status_code == 200
    for text in ["Actions for a@x.example", "200042", "nie_gesehen", "1–2", "Export"]:
        assert text in page.content.decode()
