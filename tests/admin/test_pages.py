from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEvent, BackendConnection, Partner, User
from provisioning.models import (
    Activation,
    Cause,
    Export,
    Heartbeat,
    Job,
    Mail,
    StatusEvent,
    Subscriber,
)
from provisioning.states import JobState, Status
from templates_app.models import OnboardingTemplate
from tests import factories

MODELS = [
    Partner,
    User,
    BackendConnection,
    OnboardingTemplate,
    Subscriber,
    Job,
    Activation,
    Mail,
    Export,
    AuditEvent,
    Heartbeat,
]
CHANGEABLE = [Partner, User, BackendConnection, OnboardingTemplate]
READ_ONLY = [model for model in MODELS if model not in CHANGEABLE]
SECRETS = ["token-of-a-test", "hash-of-a-token", "hash-of-a-code"]


def address(model, page="changelist", *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def make_rows(template, person, number: int = 1) -> None:
    """A row of everything that the admin shows."""
    now = timezone.now()
    row = factories.make_subscriber(template, Status.ERROR, error_code="200039")
    job = factories.make_job(row, JobState.FAILED, params={"email": "x@y.example"})
    StatusEvent.objects.create(subscriber=row, cause=Cause.JOB, what="error", job=job)
    activation = Activation.objects.create(
        partner=template.partner,
        template=template,
        subscriber=row,
        broadworks_id=row.broadworks_id,
        token_hash="hash-of-a-token",
        code_hash="hash-of-a-code",
    )
    Mail.objects.create(activation=activation, purpose="confirm", to="x@y.example")
    Export.objects.create(partner=template.partner, template=template, owner=person, expires_at=now)
    audit.record(factories.actor_of(person), "test.made", row, partner=template.partner)
    Heartbeat.objects.create(name=f"worker {number}", at=now)


@pytest.fixture
def rows(anna, template):
    make_rows(template, anna)


def test_all_models_of_operations_are_here_and_no_others():
    assert set(admin.site._registry) == set(MODELS)


def test_the_start_page_names_them(browser):
    html = browser.get(reverse("admin:index")).content.decode()

    for model in MODELS:
        assert address(model) in html


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_operations_open_list_search_and_object(browser, rows, model):
    row = model._default_manager.first()

    for page in (address(model), f"{address(model)}?q=x", address(model, "change", row.pk)):
        answer = browser.get(page, follow=True)
        html = answer.content.decode()
        assert answer.status_code == 200, page
        assert not any(secret in html for secret in SECRETS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_only_what_may_be_changed_can_be_added(browser, rows, model):
    expected = 200 if model in CHANGEABLE else 403

    assert browser.get(address(model, "add")).status_code == expected


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_what_is_read_only_can_be_neither_changed_nor_deleted(browser, rows, model):
    row = model._default_manager.first()
    before = model._default_manager.values().first()

    changed = browser.post(address(model, "change", row.pk), {"state": "done"})
    deleted = browser.post(address(model, "delete", row.pk), {"post": "yes"})
    bulk = browser.post(
        address(model), {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    )

    assert (changed.status_code, deleted.status_code) == (403, 403)
    assert bulk.status_code in {302, 200}
    assert model._default_manager.values().first() == before


@pytest.mark.parametrize("model", [*CHANGEABLE], ids=lambda model: model.__name__)
def test_nothing_is_deleted_in_bulk(browser, rows, model):
    row = model._default_manager.first()

    html = browser.get(address(model)).content.decode()
    browser.post(
        address(model), {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    )

    assert "delete_selected" not in html
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("who", ["anna", "bo", "rie"])
def test_administrators_of_partners_are_refused(request, client_of, rows, model, who):
    browser = client_of(request.getfixturevalue(who))
    row = model._default_manager.first()
    pages = [address(model), address(model, "change", row.pk), address(model, "delete", row.pk)]

    for page in pages:
        assert browser.get(page, follow=True).status_code == 403
        assert browser.post(page, {"post": "yes"}, follow=True).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()


def test_strangers_sign_in_at_our_own_door_and_come_back(client, db):
    answer = client.get(address(Job), follow=True)

    assert answer.redirect_chain[-1][0] == f"/login/?next={address(Job)}"


def test_the_admins_own_doors_lead_to_ours(browser):
    assert browser.get("/admin/password_change/").url == "/password/change/"
    assert browser.get("/admin/logout/").url == "/admin/"
    assert browser.post("/admin/logout/").url == "/login/"
    assert browser.get("/admin/").url.startswith("/admin/login/")


def test_a_closed_operations_account_is_out_at_once(browser, ops):
    User.objects.filter(pk=ops.pk).update(is_active=False)

    assert browser.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/login/")


def test_somebody_with_a_partner_is_never_operations(client_of, anna):
    html = client_of(anna).get("/admin/", follow=True)

    assert html.status_code == 403
    assert "Full administrator" in html.content.decode()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_longer_list_asks_no_more_questions(
    browser, rows, anna, template, carla, model, django_assert_max_num_queries
):
    with django_assert_max_num_queries(20) as few:
        browser.get(address(model))

    for number in range(5):
        other = factories.make_partner(f"Partner {number}")
        make_rows(factories.make_template(other), factories.make_user(other), number + 10)
    with django_assert_max_num_queries(len(few) + 2):
        browser.get(address(model))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_lists_can_be_narrowed(browser, rows, model):
    html = browser.get(address(model)).content.decode()
    links = {part.split('"')[0] for part in html.split('<a href="?')[1:]}

    for link in links:
        answer = browser.get(f"{address(model)}?{link.replace('&amp;', '&')}")
        assert answer.status_code == 200, link


def test_deleted_users_are_shown_on_request(browser, template):
    factories.make_subscriber(template, broadworks_id="alive")
    factories.make_subscriber(template, broadworks_id="gone", deleted_at=timezone.now())

    live = browser.get(address(Subscriber)).content.decode()
    gone = browser.get(address(Subscriber) + "?deleted=yes").content.decode()

    assert ("alive" in live, "gone<" in live) == (True, False)
    assert ("alive" in gone, "gone<" in gone) == (False, True)


def test_a_page_that_is_not_there_is_404(browser):
    assert browser.get("/admin/nonsense/").status_code == 404


def test_the_row_of_a_job_leads_to_its_user_and_its_audit(browser, rows):
    job = Job.objects.get()

    html = browser.get(address(Job, "change", job.pk)).content.decode()

    assert address(Subscriber, "change", job.subscriber_id) in html
    audit_link = f"{address(AuditEvent)}?object_type__exact=job&amp;object_id__exact={job.uuid}"
    assert audit_link in html
    assert browser.get(audit_link.replace("&amp;", "&")).status_code == 200


def test_times_of_old_rows_are_shown(browser, template):
    row = factories.make_subscriber(template, last_change_at=timezone.now() - timedelta(days=900))

    assert browser.get(address(Subscriber, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("typed", ["Lukasz", "ŁUKASZ", "aerø", "strauss lukasz"])
def test_operations_find_a_name_without_its_marks(browser, partner, typed):
    factories.make_user(partner, name="Łukasz Strauß Ærø", email="ls@nordictel.example")
    factories.make_user(partner, name="Anna", email="anna2@nordictel.example")

    html = browser.get(address(User), {"q": typed}).content.decode()

    assert "ls@nordictel.example" in html
    assert "anna2@nordictel.example" not in html
