"""The start page: figures, causes, and the states between first use and all is well."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from accounts.models import BackendConnection, Health
from provisioning.states import JobState, Status
from templates_app.models import IdCheck, OnboardingTemplate
from tests import factories


def overview(client):
    return client.get("/")


def ready(template):
    template.partner.support_text = "Helpdesk"
    template.partner.save()
    OnboardingTemplate.objects.filter(pk=template.pk).update(
        id_check=IdCheck.KNOWN, share_link=template.activation_link
    )


def test_each_figure_of_a_cause_opens_exactly_those_users(template, anna, client_of):
    for _number in range(3):
        factories.make_subscriber(template, Status.ERROR, error_code="200042")
    factories.make_subscriber(template, Status.WAITING_ADDRESS, error_code="200042")
    factories.make_subscriber(template, Status.ERROR)
    factories.make_subscriber(template, Status.ERROR, error_text="The backend did not answer.")
    factories.make_subscriber(template, Status.WAITING_CONSENT, error_text="No answer.")
    client = client_of(anna)

    causes = overview(client).context["attention"].causes

    assert [(c.count.code, c.count.failed, c.count.waiting) for c in causes] == [
        ("200042", 3, 1),
        ("", 2, 1),
    ]
    for cause in causes:
        assert _listed(client, cause.failed_url) == cause.count.failed
        assert _listed(client, cause.waiting_url) == cause.count.waiting


def _listed(client, url):
    return len(client.get(url).context["list"].rows)


def test_nothing_of_another_partner_is_counted(template, carla, client_of):
    user = factories.make_subscriber(template, Status.ERROR, error_code="200042")
    factories.make_job(user, JobState.FAILED, finished_at=timezone.now())

    attention = overview(client_of(carla)).context["attention"]

    assert (attention.errors, attention.failed_job_count, attention.causes) == (0, 0, [])


def test_first_use_offers_a_template_to_those_who_may(partner, anna, bo, client_of):
    assert reverse("userstatus:template_new") in overview(client_of(anna)).content.decode()
    assert reverse("userstatus:template_new") not in overview(client_of(bo)).content.decode()


def test_all_is_well_is_said(template, anna, client_of):
    ready(template)
    factories.make_subscriber(template, Status.PROVISIONED)

    assert "All is well" in overview(client_of(anna)).content.decode()


def test_a_red_template_and_a_silent_webex_come_first(template, anna, client_of):
    factories.make_subscriber(template, Status.PROVISIONED)
    BackendConnection.objects.update(health=Health.DEGRADED, health_text="x")

    text = overview(client_of(anna)).content.decode()

    assert "SMB Denmark: No share link" in text
    assert "Webex cannot be reached" in text
    assert "All is well" not in text


def test_a_late_sync_is_told(template, anna, client_of):
    BackendConnection.objects.update(synced_at=timezone.now() - timedelta(minutes=12))

    assert overview(client_of(anna)).context["attention"].connection.tone == "wait"


def test_only_the_last_days_failed_jobs_count(template, anna, client_of):
    user = factories.make_subscriber(template)
    now = timezone.now()
    factories.make_job(user, JobState.FAILED, finished_at=now - timedelta(hours=25))
    factories.make_job(user, JobState.FAILED, finished_at=now)

    assert overview(client_of(anna)).context["attention"].failed_job_count == 1
