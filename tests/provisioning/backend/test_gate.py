"""The gate: what all workers of a connection may send, decided in one row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import BackendConnection, Health
from provisioning import operator_services, sweep, timing
from provisioning.backend import gate
from provisioning.backend.gate import Trouble
from provisioning.engine import claiming, worker_turn
from provisioning.engine.exchange import Outcome
from provisioning.jobs import user_services
from provisioning.models import Job
from tests.provisioning.rig import Rig, subscriber
from webex.errors import Facts, Forbidden, NotSent, Unknown

SOON = timedelta(seconds=1)


def ids(count: int) -> list[str]:
    return [f"45331212{number:02d}@nordictel.example" for number in range(count)]


@pytest.fixture
def backlog(rig: Rig) -> list[Job]:
    """Forty retries that could go out at once."""
    rig.load(*(subscriber(user_id) for user_id in ids(40)))
    rig.sync()
    now = timing.now()
    return [
        user_services.retry_activation(
            rig.row(user_id), email=f"good.{user_id}", actor=rig.actor, now=now
        )
        for user_id in ids(40)
    ]


@pytest.fixture
def in_true_time(rig: Rig, settings) -> None:
    """Waits as long as they really are: none is over between two lines of a test."""
    settings.TIME_SCALE = 1.0


def row(rig: Rig) -> BackendConnection:
    found: BackendConnection = BackendConnection.objects.get(pk=rig.connection.pk)
    return found


def let(rig: Rig, **values: object) -> None:
    BackendConnection.objects.filter(pk=rig.connection.pk).update(**values)


def taken(rig: Rig) -> int:
    """How many requests the next worker may send."""
    group = claiming.claim(rig.connection.pk)
    return len(group.exchanges) if group else 0


# ---- Rate and number in flight ----


def test_a_group_is_no_larger_than_what_may_be_under_way_at_once(rig, backlog):
    let(rig, max_in_flight=6)

    assert (taken(rig), taken(rig)) == (6, 0)


def test_answers_that_are_not_recorded_yet_make_room_for_the_next(rig, backlog):
    let(rig, max_in_flight=4)
    first = claiming.claim(rig.connection.pk)
    answered = [one.job for one in first.exchanges[:3]]

    group = claiming.claim(rig.connection.pk, answered=answered)

    assert len(group.exchanges) == 3


def test_answered_jobs_that_others_took_over_make_no_room_twice(rig, backlog):
    let(rig, max_in_flight=4)
    answered = [one.job for one in claiming.claim(rig.connection.pk).exchanges]
    Job.objects.exclude(lease_until=None).update(lease_owner=-5)  # its session is lost meanwhile
    sweep.run()

    group = claiming.claim(rig.connection.pk, answered=answered)

    assert len(group.exchanges) <= 4


def test_no_more_goes_out_than_the_rate_allows(rig, backlog):
    let(
        rig,
        max_in_flight=20,
        requests_per_minute=1,
        paid_until=timing.now() + timedelta(minutes=15),
    )

    assert taken(rig) in {4, 5}  # twenty at once, of which fifteen are spent
    assert taken(rig) == 0


@pytest.mark.parametrize("per_minute", [60, 300, 6000])
def test_a_minute_holds_hardly_more_than_its_rate(per_minute):
    connection = BackendConnection(requests_per_minute=per_minute, max_in_flight=10)
    start, sent, step = datetime(2026, 11, 23, tzinfo=UTC), 0, timedelta(milliseconds=50)

    for tick in range(1200):
        now = start + tick * step
        allowed = gate.allowance(connection, 0, now)
        gate.spend(connection, allowed.requests, now, is_probe=False)
        sent += allowed.requests

    burst = max(10, per_minute * gate.BURST_SECONDS / 60)
    assert per_minute * 0.95 <= sent <= per_minute + burst


def test_who_asks_outside_of_jobs_pays_from_the_same_purse(rig, backlog):
    let(rig, max_in_flight=2, requests_per_minute=1, paid_until=None)

    assert [gate.admit(rig.connection.pk) for _ in range(2)] == [0.0, 0.0]
    assert gate.admit(rig.connection.pk) > 0
    assert taken(rig) == 0


def test_nobody_asks_while_the_gate_is_closed(rig):
    gate.record_throttling(rig.connection, 5)

    with pytest.raises(gate.Closed):
        gate.admit(rig.connection.pk)


def test_a_later_time_to_wait_wins(rig):
    gate.record_throttling(rig.connection, 60)
    gate.record_throttling(rig.connection, 5)

    assert row(rig).not_before > timing.now() + timedelta(seconds=50)


# ---- The breaker ----


def unreachable(rig: Rig, times: int) -> None:
    for _ in range(times):
        gate.record_trouble(rig.connection, Trouble.UNREACHABLE, "cannot be reached")


@pytest.mark.usefixtures("in_true_time")
def test_four_failures_to_connect_close_nothing_and_the_fifth_does(rig, backlog):
    unreachable(rig, 4)
    assert row(rig).not_before is None

    unreachable(rig, 1)

    assert row(rig).trips == 1
    assert taken(rig) == 0


@pytest.mark.usefixtures("in_true_time")
def test_an_answer_in_between_begins_the_count_anew(rig):
    unreachable(rig, 4)
    gate.record_answers(rig.connection, calls=1, answer_ms=10)
    unreachable(rig, 4)

    assert row(rig).trips == 0


@pytest.mark.usefixtures("in_true_time")
def test_half_of_twenty_unclear_answers_open_the_breaker(rig):
    gate.record_answers(rig.connection, calls=10, answer_ms=10)
    for _ in range(9):
        gate.record_trouble(rig.connection, Trouble.UNCLEAR, "unclear answer (502)")
    assert row(rig).trips == 0

    gate.record_trouble(rig.connection, Trouble.UNCLEAR, "unclear answer (502)")

    assert row(rig).trips == 1


@pytest.mark.usefixtures("in_true_time")
def test_after_trouble_one_request_goes_first_and_its_answer_opens_the_gate(rig, backlog):
    unreachable(rig, 5)
    let(rig, not_before=timing.now() - SOON)

    assert (taken(rig), taken(rig)) == (1, 0)
    gate.record_answers(rig.connection, calls=1, answer_ms=10)

    assert row(rig).trips == 0
    assert taken(rig) == 3  # the probe is still under way


def test_the_probe_of_a_job_that_waits_to_be_sent_sends_nothing_of_it(rig, backlog):
    unreachable(rig, 5)
    let(rig, not_before=timing.now() - SOON)

    group = claiming.claim(rig.connection.pk)

    (exchange,) = group.exchanges
    assert exchange.is_probe
    assert (exchange.job.state, exchange.job.sends) == ("queued", 0)


def test_the_engine_recovers_by_itself_when_the_backend_is_back(rig, backlog):
    url = rig.connection.api_base_url
    let(rig, api_base_url="http://127.0.0.1:9/v1")
    while not row(rig).trips:
        Job.objects.update(not_before=timing.now())
        rig.step()
    let(rig, api_base_url=url)

    for job in backlog[:3]:
        assert rig.drive(job).state == "done"
    assert (row(rig).trips, row(rig).health) == (0, Health.OK)


@pytest.mark.usefixtures("in_true_time")
def test_a_probe_that_fails_waits_twice_as_long(rig):
    unreachable(rig, 5)
    let(rig, not_before=timing.now() - SOON)
    gate.admit(rig.connection.pk)

    unreachable(rig, 1)

    later = row(rig).not_before - timing.now()
    assert timedelta(seconds=25) < later <= timedelta(seconds=30)


@pytest.mark.usefixtures("in_true_time")
def test_what_was_under_way_when_the_breaker_opened_trips_it_no_further(rig):
    unreachable(rig, 8)

    assert row(rig).trips == 1


@pytest.mark.usefixtures("in_true_time")
def test_an_answer_that_was_under_way_does_not_close_the_breaker(rig):
    unreachable(rig, 5)

    gate.record_answers(rig.connection, calls=1, answer_ms=10)

    assert row(rig).trips == 1


# ---- The token ----


@pytest.mark.usefixtures("in_true_time")
def test_five_403_in_a_row_hold_the_connection(rig, backlog):
    for _ in range(5):
        gate.record_trouble(rig.connection, Trouble.FORBIDDEN, "")

    assert row(rig).health == Health.HELD
    assert taken(rig) == 0


@pytest.mark.usefixtures("in_true_time")
def test_a_403_between_answers_is_only_that_users(rig):
    for _ in range(6):
        gate.record_trouble(rig.connection, Trouble.FORBIDDEN, "")
        gate.record_answers(rig.connection, calls=1, answer_ms=10)

    assert row(rig).health == Health.OK


@pytest.mark.parametrize(
    "error",
    [Forbidden(Facts(status=403)), Unknown("timeout", Facts(status=None)), NotSent("refused")],
    ids=lambda error: type(error).__name__,
)
def test_trouble_that_is_rare_among_the_answers_of_one_turn_closes_nothing(rig, backlog, error):
    exchange = claiming.claim(rig.connection.pk).exchanges[0]
    turn = worker_turn._Turn(rig.connection.pk)
    turn._connection = rig.connection

    for _ in range(25):
        turn._report_to_gate([Outcome(exchange)] * 4)
        turn._report_to_gate([Outcome(exchange, error=error)])

    told = row(rig)
    assert (told.trips, told.not_before, told.health == Health.HELD) == (0, None, False)


@pytest.mark.usefixtures("in_true_time")
def test_a_held_connection_is_tried_with_one_request(rig, backlog):
    gate.hold(rig.connection, "Webex refuses the token")
    let(rig, not_before=timing.now() - SOON)

    assert (taken(rig), taken(rig)) == (1, 0)


def test_a_new_token_forgets_the_trouble(rig, backlog):
    gate.hold(rig.connection, "Webex refuses the token")
    connection = row(rig)

    operator_services.start_afresh(connection, other_backend=False)

    assert taken(rig) == connection.max_in_flight


# ---- Others ----


@pytest.mark.usefixtures("in_true_time")
def test_a_connection_in_trouble_is_served_apart(rig):
    assert not gate.is_in_trouble(row(rig))

    unreachable(rig, 1)

    assert gate.is_in_trouble(row(rig))
