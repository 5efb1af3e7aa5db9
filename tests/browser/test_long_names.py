"""Long words, as people type them or a link is: no page of the console grows wider for them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.states import JobState, Status
from templates_app.models import OnboardingTemplate
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("width", [1440, 390])
def test_a_long_name_makes_no_page_wider(open_list, template, width):
    OnboardingTemplate.objects.filter(pk=template.pk).update(
        name="T" * 100, activation_key="k" * 40
    )
    user = factories.make_subscriber(
        template, Status.ERROR, error_code="200042", first_name="F" * 160, last_name="L" * 160,
        broadworks_id=f"{'b' * 120}@{'h' * 40}.example", email=f"{'e' * 64}@{'d' * 60}.example",
    )  # fmt: skip
    failed = timezone.now() - timedelta(minutes=1)
    job = factories.make_job(user, JobState.FAILED, finished_at=failed)
    names = ["user", "retry", "delete", "package"]
    addresses = [reverse(f"userstatus:{name}", args=[user.uuid]) for name in names]
    names = ["template", "template_edit"]
    addresses += [reverse(f"userstatus:{name}", args=[template.uuid]) for name in names]
    addresses += [job.get_absolute_url()]
    addresses += ["/", "/jobs/", "/templates/", "/users/", "/settings/"]
    page = open_list(viewport={"width": width, "height": 900})
    wider = {"list": page.evaluate(_WIDER)}

    for address in addresses:
        page.goto(address)
        wider[address] = page.evaluate(_WIDER)

    assert {address: more for address, more in wider.items() if more > 0} == {}
