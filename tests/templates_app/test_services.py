"""Creating, changing and mending templates, on a real backend."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import AuditEvent, BackendConnection
from templates_app import services
from templates_app.id_check import Trouble
from templates_app.models import IdCheck, OnboardingTemplate
from templates_app.services import ChangedMeanwhile, TemplateRefused
from tests import factories


def create(anna, settings):
    return services.create_template(
        partner=anna.partner,
        settings=settings,
        actor=factories.actor_of(anna),
        now=timezone.now(),
    )


def change(anna, template, settings, seen_at=None):
    return services.change_template(
        template=template,
        settings=settings,
        seen_at=seen_at or template.updated_at,
        actor=factories.actor_of(anna),
        now=timezone.now(),
    )


def test_a_known_id_is_saved_as_known_with_the_activation_link_as_share_link(webex, anna, wanted):
    saved = create(anna, wanted())

    row = OnboardingTemplate.objects.get(name="Hotels")
    assert (row.id_check, row.share_link) == (IdCheck.KNOWN, row.activation_link)
    assert saved.answer.trouble == Trouble.NONE
    event = AuditEvent.objects.get(action="template.create")
    assert (event.actor, event.object_id, event.after["name"]) == (anna, str(row.uuid), "Hotels")


@pytest.mark.parametrize("provisioning_id", ["prov-nobody", "prov-iberfone"])
def test_an_id_that_webex_does_not_know_is_refused_beside_the_field(
    provisioning_id, webex, anna, wanted
):
    with pytest.raises(TemplateRefused) as caught:
        create(anna, wanted(provisioning_id=provisioning_id))

    assert (caught.value.code, caught.value.field) == ("id_unknown", "provisioning_id")
    assert not OnboardingTemplate.objects.exists()
    assert not AuditEvent.objects.exists()


def test_an_unreachable_webex_saves_the_template_as_unchecked(webex, anna, wanted):
    webex.fault(operation="list", status=503, times=5)

    saved = create(anna, wanted())

    assert (saved.answer.check, saved.answer.trouble) == (IdCheck.UNCHECKED, Trouble.UNREACHABLE)
    assert OnboardingTemplate.objects.get().id_check == IdCheck.UNCHECKED


def test_a_refused_token_saves_the_template_as_unchecked(webex, anna, wanted):
    anna.partner.connection.set_token("an old token")
    anna.partner.connection.save()

    saved = create(anna, wanted())

    assert saved.answer.trouble == Trouble.TOKEN


def test_nothing_is_asked_while_the_gate_is_closed(webex, anna, wanted):
    BackendConnection.objects.update(not_before=timezone.now() + timedelta(minutes=1))

    saved = create(anna, wanted())

    assert saved.answer.trouble == Trouble.LATER
    assert not webex.requests(operation="list")


def test_without_a_connection_the_words_name_who_must_act(webex, anna, wanted):
    BackendConnection.objects.all().delete()

    with pytest.raises(TemplateRefused, match="Operations"):
        create(anna, wanted())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "HOTELS"}, "name"),
        ({"name": "Hotels\u200b"}, "name"),
        ({"provisioning_id": "prov-known"}, "provisioning_id"),
    ],
)
def test_name_and_id_are_unique_in_a_partner(changes, field, webex, anna, wanted):
    create(anna, wanted())
    other = {"name": "Shops", "provisioning_id": "prov-second"} | changes

    with pytest.raises(TemplateRefused) as caught:
        create(anna, wanted(**other))

    assert caught.value.field == field


def test_another_partner_may_use_the_same_name(webex, anna, carla, wanted):
    factories.make_template(carla.partner, "Hotels")

    assert create(anna, wanted()).template.pk


def test_a_change_keeps_what_differs_in_the_audit_log(webex, anna, wanted):
    template = create(anna, wanted()).template

    changed = wanted(untrusted_emails=False, share_link=template.share_link)
    change(anna, template, changed)

    event = AuditEvent.objects.get(action="template.change")
    assert (event.before, event.after) == ({"untrusted_emails": True}, {"untrusted_emails": False})


def test_saving_over_somebody_elses_save_changes_nothing(webex, anna, wanted):
    template = create(anna, wanted()).template
    seen_at = template.updated_at
    services.mend_share_link(template=template, actor=factories.actor_of(anna))

    with pytest.raises(ChangedMeanwhile):
        change(anna, template, wanted(name="Mine"), seen_at=seen_at)

    template.refresh_from_db()
    assert template.name == "Hotels"


def test_the_id_is_fixed_once_users_came_with_it(webex, anna, wanted):
    template = create(anna, wanted()).template
    factories.make_subscriber(template)

    with pytest.raises(TemplateRefused) as caught:
        change(anna, template, wanted(provisioning_id="prov-second"))

    assert caught.value.code == "id_fixed"


def test_an_old_id_that_webex_forgot_does_not_keep_the_rest_from_being_saved(webex, anna, wanted):
    template = factories.make_template(anna.partner, "Hotels", provisioning_id="prov-gone")

    saved = change(anna, template, wanted(provisioning_id="prov-gone", country="SE"))

    assert saved.answer.check == IdCheck.UNKNOWN
    template.refresh_from_db()
    assert (template.country, template.id_check) == ("SE", IdCheck.UNKNOWN)


def test_mending_sets_the_share_link_and_is_told_once(anna, template):
    for _again in range(2):
        services.mend_share_link(template=template, actor=factories.actor_of(anna))

    template.refresh_from_db()
    assert template.share_link == template.activation_link
    assert AuditEvent.objects.filter(action="template.mend").count() == 1


def test_check_now_keeps_what_webex_says_and_leaves_open_forms_valid(webex, anna, wanted):
    template = create(anna, wanted()).template
    OnboardingTemplate.objects.update(id_check=IdCheck.UNCHECKED, id_checked_at=None)
    seen_at = OnboardingTemplate.objects.get().updated_at

    answer = services.check_provisioning_id(
        template=template, actor=factories.actor_of(anna), now=timezone.now()
    )

    row = OnboardingTemplate.objects.get()
    assert (answer.check, row.id_check, row.updated_at) == (IdCheck.KNOWN, IdCheck.KNOWN, seen_at)
    assert row.id_checked_at


def test_check_now_keeps_the_last_answer_when_webex_is_silent(webex, anna, wanted):
    template = create(anna, wanted()).template
    webex.fault(operation="list", status=503, times=5)

    services.check_provisioning_id(
        template=template, actor=factories.actor_of(anna), now=timezone.now()
    )

    template.refresh_from_db()
    assert template.id_check == IdCheck.KNOWN


@pytest.mark.parametrize("who", ["bo", "rie", "carla"])
def test_nobody_without_the_right_changes_anything(who, request, template, wanted):
    person = request.getfixturevalue(who)

    with pytest.raises(PermissionDenied):
        services.mend_share_link(template=template, actor=factories.actor_of(person))
    with pytest.raises(PermissionDenied):
        change(person, template, wanted())
