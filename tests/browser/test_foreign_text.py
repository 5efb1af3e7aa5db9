"""Where the browser puts our words beside a name that runs from right to left."""

from __future__ import annotations

import pytest
from django.urls import reverse

from provisioning.states import Status
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HEBREW = "\u05d0\u05d1\u05d2"
#: Left edge of the first place at which the element holds the text; NaN where it does not.
_LEFT = """(element, text) => {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.data.indexOf(text);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + text.length);
    return range.getBoundingClientRect().left;
  }
  return NaN;
}"""


def left_edges(page, selector, *texts):
    element = page.locator(selector).first
    return [element.evaluate(_LEFT, text) for text in texts]


@pytest.mark.parametrize("last_name", [HEBREW, f"{HEBREW}\u202e", f"\u202e{HEBREW}\u2067"])
def test_a_name_leaves_id_and_status_in_their_order(open_list, template, last_name):
    user = factories.make_subscriber(
        template, Status.PROVISIONED, first_name="", last_name=last_name,
        broadworks_id="4533900001@firma.example",
    )  # fmt: skip
    page = open_list()

    page.goto(reverse("userstatus:delete", args=[user.uuid]))

    about = [HEBREW, "4533900001", "firma.example", "Provisioned"]
    edges = left_edges(page, "main p:has-text('4533900001')", *about)
    assert edges == sorted(edges)


def test_a_host_stays_behind_a_local_part_from_right_to_left(open_list, template):
    user = factories.make_subscriber(
        template, Status.ERROR, error_code="200026", broadworks_id=f"{HEBREW}@4533900001.example"
    )
    page = open_list()

    page.goto(reverse("userstatus:retry", args=[user.uuid]))

    edges = left_edges(page, "main p:has-text('4533900001')", HEBREW, "4533900001")
    assert edges == sorted(edges)
