"""Rows drawn by hand: nothing that a person or the API wrote becomes markup."""

from __future__ import annotations

import ast
from datetime import timedelta
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path

import pytest
from django.utils import timezone, translation

from common.bidi import neutral
from common.times import Clock
from provisioning.states import JobKind, JobState, Status
from tests.factories import make_job, make_partner, make_subscriber, make_template
from userstatus.actions.registry import BULK_ACTIONS, BulkOffer
from userstatus.statuses import look_of_word
from userstatus.users import controls_html, row_html
from userstatus.users.columns import Header
from userstatus.users.facets import Option
from userstatus.users.row_html import RowContext
from userstatus.users.rows import rows_of
from userstatus.users.status_ribbon import StatusCount

HOSTILE = """"'><img src=x onerror=alert(1)>&amp;{0}%(user)s{user.uuid}</td>\u202e"""
TEXTS = ["broadworks_id", "first_name", "last_name", "email", "package", "status"]
TEXTS += ["backend_status", "error_code", "error_text", "enterprise_id"]


def context(**fields):
    values = {"with_template": True, "with_ticks": True, "grace": lambda _job: "(undo)"}
    return RowContext(clock=Clock.of_reader(timezone.now()), **values | fields)


@pytest.fixture
def template(db):
    return make_template(make_partner(), name=HOSTILE[:80])


class Reader(HTMLParser):
    """Elements with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def limited(field: str) -> str:
    return HOSTILE[
        : {"package": 40, "error_code": 40, "status": 60, "backend_status": 60}.get(field)
    ]


@pytest.mark.parametrize("field", TEXTS)
def test_a_hostile_value_in_any_column_stays_text(template, field):
    hostile = limited(field)
    plain, bad = (
        make_subscriber(template, **{"status": "error", "error_text": "taken"} | fields)
        for fields in ({"error_code": "1"}, {"error_code": "1", field: hostile})
    )

    fine, drawn = (
        Reader(row_html.draw(rows_of([user], now=timezone.now()), context()))
        for user in (plain, bad)
    )

    assert "img" not in {tag for tag, _ in drawn.elements}
    assert not any(name.startswith("on") for _, names in drawn.elements for name in names)
    assert {tag for tag, _ in drawn.elements} <= {tag for tag, _ in fine.elements} | {"bdi"}
    shown = [drawn.text, *(str(v) for _, names in drawn.elements for v in names.values())]
    assert field in {"backend_status", "enterprise_id"} or any(
        neutral(hostile) in text for text in shown
    )


def test_a_hostile_name_of_a_template_stays_text(template):
    user = make_subscriber(template)

    drawn = Reader(row_html.draw(rows_of([user], now=timezone.now()), context()))

    assert neutral(template.name) in drawn.text
    assert "img" not in {tag for tag, _ in drawn.elements}


def test_a_twin_with_an_odd_id_leads_to_exactly_itself(template):
    twins = [
        make_subscriber(template, broadworks_id='a"&b=c#<@x', enterprise_id=enterprise)
        for enterprise in ("one", "two")
    ]

    drawn = Reader(row_html.draw(rows_of(twins, now=timezone.now()), context()))

    links = [names["href"] for _, names in drawn.elements if "tone-wait" in names.get("class", "")]
    assert links == ["/users/?q=a%22%26b%3Dc%23%3C%40x"] * 2


def test_the_words_are_the_readers_whoever_asked_before(template):
    user = make_subscriber(template, Status.ERROR)
    make_job(user, JobState.CHECKING)
    rows = rows_of([user], now=timezone.now())

    english = row_html.draw(rows, context())
    with translation.override("da"):
        danish = row_html.draw(rows, context())
    again = row_html.draw(rows, context())

    assert "Actions for" in english
    assert "Checking" in english
    assert "Handlinger for" in danish
    assert "Kontrollerer" in danish
    assert "Checking" not in danish
    assert again == english


def test_a_delete_in_its_grace_is_drawn_by_the_caller(template):
    user = make_subscriber(template)
    job = make_job(user, kind=JobKind.DELETE)
    job.undo_until = timezone.now() + timedelta(seconds=9)
    job.save()

    drawn = row_html.draw(rows_of([user], now=timezone.now()), context())

    assert 'class="is-going"' in drawn
    assert "</div>(undo)</td>" in drawn


def test_the_buttons_of_the_bar_are_in_the_readers_language():
    offers = [BulkOffer(action, "/there/") for action in BULK_ACTIONS]

    english = controls_html.bulk_buttons(offers)
    with translation.override("da"):
        danish = controls_html.bulk_buttons(offers)

    assert "Retry selected users</span>" in english
    assert "Retry selected users" not in danish
    assert controls_html.bulk_buttons(offers) == english
    assert [tone in english for tone in ("btn-primary", "btn-text-danger")] == [True, True]


def test_hostile_options_statuses_and_headers_stay_text():
    option = Option(HOSTILE, HOSTILE, 1, is_chosen=True, code=HOSTILE)
    cell = StatusCount(HOSTILE, HOSTILE, None, HOSTILE, is_chosen=True, look=look_of_word("error"))
    header = Header(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    html = controls_html.filter_options([option], HOSTILE, "radio")
    html += controls_html.select_options([(HOSTILE, HOSTILE)], HOSTILE)
    html += controls_html.bulk_buttons([BulkOffer(BULK_ACTIONS[0], HOSTILE)])
    html += controls_html.ribbon_cells([cell], HOSTILE)
    html += controls_html.header_cells([header, Header(HOSTILE, "css")], HOSTILE)

    drawn = Reader(html)

    tags = {"label", "input", "span", "bdi", "a", "svg", "use", "th", "option", "button"}
    assert {tag for tag, _ in drawn.elements} == tags
    assert not any(name.startswith("on") for _, names in drawn.elements for name in names)
    assert drawn.text.replace("\u202e", "").count(neutral(HOSTILE)) == 6


# ---- The rule that the modules set themselves ----


def trusted(node: ast.expr, known: frozenset[str] = frozenset()) -> bool:
    """What may stand in a frame: escaped, drawn by the module, looked up; or a name for that."""
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        return called in {"escape", "look.icon", "iso", "context.grace"} or called[:1] == "_"
    if isinstance(node, ast.Name):
        return node.id in known
    if isinstance(node, ast.Subscript | ast.Attribute):
        return ast.unparse(node).startswith("words.")
    return False


def named(function: ast.FunctionDef) -> frozenset[str]:
    """Names that a function gives to what is trusted, and never to anything else."""
    given: dict[str, list[bool]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            names, values = parts(node.targets[0]), parts(node.value)
            for name, value in zip_longest(names, values):
                given.setdefault(ast.unparse(name), []).append(bool(value) and trusted(value))
    return frozenset(name for name, found in given.items() if all(found))


def parts(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]


def is_number_or_time(node: ast.FormattedValue) -> bool:
    """`{…:d}` and `{…:%H:%M}` refuse a text."""
    return node.format_spec is not None and ast.unparse(node.format_spec) in {"f'd'", "f'%H:%M'"}


def frames(node: ast.AST):
    """Every value that is put into a frame below a node, by f-string or `format`."""
    for part in ast.walk(node):
        if isinstance(part, ast.FormattedValue) and not is_number_or_time(part):
            yield part.value
        if isinstance(part, ast.Call) and ast.unparse(part.func).endswith(".format"):
            yield from part.args


def loose(source: str) -> list[str]:
    """Values in frames of a module that nothing makes safe."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return [
        ast.unparse(value)
        for function in functions
        for value in frames(function)
        if not trusted(value, named(function))
    ]


@pytest.mark.parametrize(("module", "least"), [(row_html, 40), (controls_html, 20)])
def test_nothing_enters_a_frame_without_being_escaped(module, least):
    source = Path(module.__file__).read_text()

    assert loose(source) == []
    assert len(list(frames(ast.parse(source)))) > least


def test_the_rule_sees_a_value_that_is_not_escaped():
    source = """
def cell(user, key):
    name = escape(user.name)
    name = user.name
    mail = escape(user.email)
    return f"<td id={key}>{name}{mail}{user.package}</td>" + FRAME.format(user.status)
"""

    assert sorted(loose(source)) == ["key", "name", "user.package", "user.status"]
