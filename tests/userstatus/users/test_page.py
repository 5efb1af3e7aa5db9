from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from provisioning.lists.filters import NOTHING
from provisioning.models import Subscriber
from provisioning.states import JobState, Status
from tests.factories import make_job, make_subscriber, make_template
from tests.userstatus.pages import ids, link, words
from userstatus.row_keys import short
from userstatus.scope import Scope
from userstatus.users.page import user_list
from userstatus.users.paging import PageRequest


@pytest.fixture
def path(template):
    return reverse("userstatus:users", args=[template.uuid])


@pytest.fixture
def browser(client_of, anna):
    return client_of(anna)


# ---- Whose users ----


def test_a_template_shows_its_own_live_users(browser, path, template, partner):
    make_subscriber(template, broadworks_id="mine")
    make_subscriber(template, broadworks_id="gone", deleted_at=timezone.now())
    make_subscriber(make_template(partner), broadworks_id="other")

    assert ids(browser.get(path)) == ["mine"]


def test_all_templates_show_whose_each_user_is(browser, template, partner):
    make_subscriber(template, broadworks_id="mine")
    make_subscriber(make_template(partner, "Hotels"), broadworks_id="other")

    page = browser.get("/users/")

    assert set(ids(page)) == {"mine", "other"}
    assert re.search(r'<td class="cell-template"><bdi>Hotels', page.content.decode())


def test_a_template_made_while_the_page_is_read_does_no_harm(anna, template, partner):
    make_subscriber(template, broadworks_id="mine")
    other, scope = make_template(partner, "A"), Scope(anna, None)
    assert scope.templates == [other, template]
    make_subscriber(make_template(partner, "Hotels"), broadworks_id="new", minutes_ago=-1)

    shown = user_list(scope, NOTHING, PageRequest(), timezone.now()).rows

    assert [row.user.template.name for row in shown] == ["Hotels", template.name]


def test_one_template_can_be_chosen_among_all(browser, template, partner):
    make_subscriber(template, broadworks_id="mine")
    make_subscriber(make_template(partner), broadworks_id="other")

    assert ids(browser.get("/users/", {"template": template.uuid})) == ["mine"]


def test_on_a_templates_own_page_template_means_nothing(browser, path, template, partner):
    make_subscriber(template, broadworks_id="mine")

    assert ids(browser.get(path, {"template": make_template(partner).uuid})) == ["mine"]


@pytest.mark.parametrize("name", ["users", "users_live"])
def test_another_partners_template_is_missing(client_of, carla, template, name):
    make_subscriber(template)
    client = client_of(carla)

    theirs = client.get(reverse(f"userstatus:{name}", args=[template.uuid]))
    missing = client.get(reverse(f"userstatus:{name}", args=[uuid.uuid4()]))

    assert theirs.status_code == missing.status_code == 404


def test_another_partners_template_as_a_filter_shows_nobody(client_of, carla, template):
    make_subscriber(template, broadworks_id="theirs")

    page = client_of(carla).get("/users/", {"template": template.uuid})

    assert "theirs" not in page.content.decode()
    assert "SMB Denmark" not in page.content.decode()


# ---- What a row says ----


def test_a_row_says_status_error_and_whose_turn(browser, path, template):
    make_subscriber(template, Status.ERROR, error_code="200042", error_text="taken")

    text = words(browser.get(path))

    assert "200042 Address already linked to another user ID" in text
    assert "You : choose another address" in text


@pytest.mark.parametrize(
    ("state", "tag"),
    [
        (JobState.QUEUED, "Queued"),
        (JobState.SENDING, "Sending"),
        (JobState.CHECKING, "Checking"),
        (JobState.WAITING, "Webex is working"),
    ],
)
def test_an_unfinished_job_is_tagged(browser, path, template, state, tag):
    make_job(make_subscriber(template, Status.ERROR), state)

    found = re.search(r'class="tag tag-queued tone-busy">.*?</svg>([^<]*)<', browser.get(path).text)

    assert found
    assert tag in found[1]


def test_unknown_words_of_the_api_are_shown_as_they_are(browser, path, template):
    make_subscriber(template, "nova_status", package="megapack")

    page = browser.get(path)

    assert "nova_status" in words(page)
    assert "megapack" in words(page)
    assert link(page, "nova_status").endswith("?status=nova_status")


def test_names_and_texts_are_escaped(browser, path, template):
    make_subscriber(
        template, "error", first_name="<script>", error_code="<b>", error_text="<img src=x>"
    )

    page = browser.get(path).content.decode()

    assert "<script>&" not in page
    assert "&lt;script&gt;" in page
    assert "<img" not in page


def test_twins_are_tagged_and_their_menus_have_different_names(browser, path, template):
    make_subscriber(template, broadworks_id="twin@x.example", enterprise_id="one")
    make_subscriber(template, broadworks_id="twin@x.example", enterprise_id="two")

    page = browser.get(path).content.decode()

    assert page.count("Same ID twice") == 2
    assert page.count('aria-label="Actions for twin@x.example"') == 1
    assert page.count('aria-label="Actions for twin@x.example (2)"') == 1


def test_controls_have_their_names_once(browser, path, template):
    make_subscriber(template, broadworks_id="a@x.example")
    text = browser.get(path).content.decode()

    for name in ["Export</span></button>", "Exclude provisioned users</label>"]:
        assert text.count(name) == 1


# ---- Order, filters, pages ----


def test_the_newest_change_is_first(browser, path, template):
    make_subscriber(template, broadworks_id="old", minutes_ago=9)
    make_subscriber(template, broadworks_id="new", minutes_ago=1)

    assert ids(browser.get(path)) == ["new", "old"]


def test_a_click_on_a_header_sorts_and_the_next_one_turns(browser, path, template):
    make_subscriber(template, broadworks_id="b", minutes_ago=1)
    make_subscriber(template, broadworks_id="a", minutes_ago=2)

    once = browser.get(link(browser.get(path), "BroadWorks ID"))
    twice = browser.get(link(once, "BroadWorks ID"))

    assert (ids(once), ids(twice)) == (["a", "b"], ["b", "a"])
    assert 'aria-sort="ascending"' in once.content.decode()
    assert 'aria-sort="descending"' in twice.content.decode()


def test_pages_follow_each_other_and_keep_the_filter(browser, path, template):
    for number in range(30):
        make_subscriber(template, Status.ERROR, broadworks_id=f"u{number:02}")
    make_subscriber(template, broadworks_id="fine")

    first = browser.get(path, {"per_page": 25, "status": "error", "sort": "broadworks_id"})
    second = browser.get(link(first, "Next"))
    back = browser.get(link(second, "Previous"))

    assert "1–25 of 30 that match" in words(first)
    assert "26–30 of 30" in words(second)
    assert ids(second) == ["u25", "u26", "u27", "u28", "u29"]
    assert ids(back) == ids(first)
    assert ids(browser.get(link(first, "Last page"))) == ids(second)
    assert ids(browser.get(link(second, "First page"))) == ids(first)


def test_the_ribbon_counts_under_the_other_filters(browser, path, template):
    make_subscriber(template, Status.ERROR, package="basic")
    make_subscriber(template, Status.ERROR, package="premium")
    make_subscriber(template, Status.PROVISIONED, package="basic")

    page = browser.get(path, {"package": "basic", "status": "error"}).content.decode()

    counts = dict(re.findall(r'data-count="(\w*)">([\d,]+)<', page))
    assert (counts[""], counts["error"], counts["provisioned"]) == ("2", "1", "1")


def test_a_ribbon_link_adds_its_status_and_another_click_lifts_it(browser, path, template):
    make_subscriber(template, Status.ERROR)

    both = browser.get(link(browser.get(path, {"status": "updating"}), "Error"))

    assert both.request["QUERY_STRING"] == "status=updating&status=error"
    assert link(both, "Error, chosen").endswith("?status=updating")


def test_the_export_takes_the_filters_along(browser, path, template):
    make_subscriber(template, Status.ERROR)

    page = browser.get(path, {"status": "error", "sort": "name", "per_page": 25})

    action = reverse("userstatus:export_start", args=[template.uuid])
    assert f'action="{action}?status=error&amp;sort=name"' in page.content.decode()


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ("status=sleeping", "“sleeping” is not a status"),
        ("package=gold", "a package called “gold”"),
        ("error=31337", "the error “31337” now"),
        ("enterprise=acme", "the enterprise “acme”"),
        ("sort=salary", "cannot be sorted by “salary”"),
        ("per_page=7", "A page shows 25, 50, 100 rows"),
        ("after=garbage", "this is the first page"),
        ("before=%00%FF", "this is the first page"),
        ("exclude_provisioned=maybe", "can only be “on”"),
        ("q=" + "y" * 80, "cut to its first 64"),
    ],
)
def test_what_the_address_says_wrong_is_told(browser, path, template, query, note):
    make_subscriber(template)

    page = browser.get(f"{path}?{query}")

    assert page.status_code == 200
    assert note in words(page)


def test_a_known_status_that_nobody_has_needs_no_note(browser, path, template):
    make_subscriber(template)

    assert "is not a status" not in words(browser.get(path, {"status": "updating"}))


# ---- Empty ----


def test_first_use_says_where_users_come_from(browser, path):
    page = browser.get(path)

    assert "No users yet" in words(page)
    assert "Exclude provisioned users" in words(page)


def test_nothing_matches_says_which_filter_hides_whom(browser, path, template):
    for name in ["toft1", "toft2", "toft3"]:
        make_subscriber(template, broadworks_id=name)
    page = browser.get(path, {"q": "toft", "exclude_provisioned": "on"})

    assert "No user matches “toft”" in words(page)
    assert "Without “Exclude provisioned users” there are 3 users." in words(page)
    assert len(ids(browser.get(link(page, "Show those 3")))) == 3


def test_all_is_well_when_only_provisioned_users_are_hidden(browser, path, template):
    make_subscriber(template)

    page = browser.get(path, {"exclude_provisioned": "on"})

    assert "Everyone on SMB Denmark is active" in words(page)


# ---- Fresh or not ----


@pytest.mark.parametrize(
    ("minutes", "tone", "text"),
    [(0, "good", "Synced"), (3, "wait", "Synced 3 min ago"), (30, "bad", "Sync stopped 30 min")],
)
def test_the_head_says_how_old_the_rows_are(browser, path, partner, minutes, tone, text):
    partner.connection.synced_at = timezone.now() - timedelta(minutes=minutes)
    partner.connection.save()

    page = browser.get(path).content.decode()

    found = re.search(r'class="head-note fresh tone-(\w+)" id="users-sync"[^>]*>([^<]*)<', page)
    assert found[1] == tone
    assert found[2].startswith(text)


# ---- Parts and costs ----


def test_htmx_gets_the_list_without_the_frame(browser, path, template):
    make_subscriber(template, broadworks_id="mine")

    part = browser.get(path, headers={"HX-Request": "true"})

    assert ids(part) == ["mine"]
    assert "<html" not in part.content.decode()
    assert 'id="users-ribbon"' in part.content.decode()
    assert 'id="users-tools"' in part.content.decode()


def test_htmx_leaves_the_form_alone_while_it_is_used(browser, path, template):
    make_subscriber(template)
    headers = {"HX-Request": "true", "X-Keep-Tools": "true"}

    part = browser.get(path, {"package": "basic"}, headers=headers).content.decode()

    assert 'id="users-tools"' not in part
    assert re.search(r'id="chosen-package" hx-swap-oob="true">Basic<', part)


def _queries(browser, address) -> int:
    browser.get(address)  # statements are told to a session of PostgreSQL once (reading.prepared)
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(address).status_code == 200
    return len(captured)


def _live(path: str) -> str:
    rows = "_".join(f"{short(user.pk)}-0." for user in Subscriber.objects.all())
    return f"{path}live/?rows={rows}"


#: Session, person and the notice of a rehearsal (elsewhere asked every two seconds) are three.
@pytest.mark.parametrize(
    ("which", "number"),
    [("list", 10), ("all", 11), ("live", 9), ("nothing new", 7)],
)
def test_a_page_asks_a_fixed_number_of_queries(browser, path, template, which, number):
    def address() -> str:
        quiet = f"{path}live/?since={short(2**40)}&rows={short(2**40)}-0."
        return {"list": path, "all": "/users/", "live": _live(path), "nothing new": quiet}[which]

    make_job(make_subscriber(template, Status.ERROR, error_code="200042"))
    before = _queries(browser, address())
    for each in range(40):
        twins = {"broadworks_id": f"same{each // 2}", "enterprise_id": f"e{each}"}
        make_job(make_subscriber(template, Status.ERROR, **twins))

    assert before == _queries(browser, address()) == number


@pytest.mark.parametrize("role", ["bo", "rie"])
def test_every_role_sees_the_list(request, client_of, path, template, role):
    make_subscriber(template, broadworks_id="mine")

    assert ids(client_of(request.getfixturevalue(role)).get(path)) == ["mine"]


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_the_list_is_only_read(browser, path, method):
    assert getattr(browser, method)(path).status_code == 405
