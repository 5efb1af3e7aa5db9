"""The client against the simulated backend: what it answers is what we read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.contract.conftest import (
    CUSTOMER,
    LOGIN,
    PASSWORD,
    PROVISIONING_ID,
    SECOND_ID,
    a_client,
    the_world,
)
from tests.simulator_process import SimulatorProcess
from webex import errors, xsi
from webex.payloads import PrecheckRequest, ProvisionRequest, body_hash


def a_request(user_id: str = LOGIN, **changes: str) -> ProvisionRequest:
    fields = {
        "provisioning_id": PROVISIONING_ID,
        "user_id": user_id,
        "sp_enterprise_id": CUSTOMER,
        "first_name": "Åse",
        "last_name": "Sørensen",
        "package": "standard",
        "email": "ase@acme.example",
        "primary_phone": "+45-70101010",
    }
    return ProvisionRequest(**{**fields, **changes})


def a_precheck(email: str) -> PrecheckRequest:
    return PrecheckRequest(
        email=email,
        provisioning_id=PROVISIONING_ID,
        user_id=LOGIN,
        sp_enterprise_id=CUSTOMER,
        first_name="Åse",
        last_name="Sørensen",
        package="standard",
    )


def many_subscribers(number: int) -> dict[str, list[dict[str, object]]]:
    common = {"provisioning_id": PROVISIONING_ID, "enterprise": CUSTOMER, "status": "error"}
    return {"subscribers": [common | {"user_id": f"{n:04}@sp.example"} for n in range(number)]}


def test_a_life_from_provisioning_to_removal(simulator: SimulatorProcess, client):
    started = client.provision(a_request())
    simulator.advance(60)
    ready = client.get_subscriber(started.id)
    updating = client.update(started.id, package="premium")
    simulator.advance(60)
    updated = client.get_subscriber(started.id)
    client.remove(started.id)

    statuses = [started.status, ready.status, updating.status, updated.status]
    assert statuses == ["provisioning", "provisioned", "updating", "provisioned"]
    assert (ready.first_name, ready.email, ready.package) == ("Åse", "ase@acme.example", "standard")
    assert (ready.person_id != "", updated.package) == (True, "premium")
    assert updated.last_status_change > ready.last_status_change
    with pytest.raises(errors.NotFound):
        client.get_subscriber(started.id)


def test_the_hash_that_we_promise_is_the_hash_that_arrives(simulator: SimulatorProcess, client):
    request = a_request()

    client.provision(request)

    (seen,) = simulator.requests(operation="provision")
    assert seen["body_hash"] == body_hash(request.to_json())


@pytest.mark.parametrize("keeps_filters", [True, False])
def test_all_pages_arrive_whether_or_not_the_links_keep_the_filters(
    simulator: SimulatorProcess, client, keeps_filters
):
    simulator.load(the_world(next_link_keeps_filters=keeps_filters) | many_subscribers(23))
    stranger = {"user_id": "other@sp.example", "enterprise": "Nordictel+other"}
    simulator.load({"subscribers": [stranger | {"provisioning_id": SECOND_ID, "status": "error"}]})

    pages = list(client.list_subscribers(PROVISIONING_ID, page_size=10))

    assert [len(page.subscribers) for page in pages] == [10, 10, 3]
    assert len({found.id for page in pages for found in page.subscribers}) == 23
    assert {found.provisioning_id for page in pages for found in page.subscribers} == {
        PROVISIONING_ID
    }


def test_only_what_changed_after_a_moment_is_listed(simulator: SimulatorProcess, client):
    simulator.load(many_subscribers(3))
    (page,) = client.list_subscribers(PROVISIONING_ID)
    latest = max(found.last_status_change for found in page.subscribers)
    simulator.force(page.subscribers[0].id, status="pending_email_input")

    (changed,) = client.list_subscribers(
        PROVISIONING_ID, changed_after=latest, statuses=["error", "pending_email_input"]
    )
    everything = client.list_subscribers(
        PROVISIONING_ID, changed_after=latest - timedelta(hours=1), statuses=["error"]
    )

    assert [found.id for found in changed.subscribers] == [page.subscribers[0].id]
    assert sum(len(page.subscribers) for page in everything) == 2


@pytest.mark.parametrize("answers", ["examples", "letter"])
def test_the_forms_that_the_document_contradicts_itself_in_are_read_alike(
    answers: str, simulator: SimulatorProcess, client
):
    request = a_precheck("ase@acme.example")
    subscribers = many_subscribers(1)
    subscribers["subscribers"][0]["errors"] = [200042]
    simulator.load(the_world() | subscribers)
    by_schema = client.precheck(request)
    (usual,) = client.list_subscribers(PROVISIONING_ID)
    simulator.load(the_world(answers=answers))

    other = client.precheck(request)
    (page,) = client.list_subscribers(PROVISIONING_ID)

    assert by_schema.ok
    assert other.infos == by_schema.infos
    (one,), (before,) = page.subscribers, usual.subscribers
    assert one.self_activated is False
    assert [error.code for error in one.errors] == ["200042"]
    assert one.last_status_change == before.last_status_change


def test_a_user_is_found_by_the_natural_key(client):
    created = client.provision(a_request())

    found = client.find_subscribers(PROVISIONING_ID, LOGIN.upper(), CUSTOMER)
    nobody = client.find_subscribers(PROVISIONING_ID, "nobody@sp.example", CUSTOMER)

    assert ([one.id for one in found], nobody) == ([created.id], [])


def test_a_second_subscriber_of_the_same_key_is_a_conflict_with_a_code(
    simulator: SimulatorProcess, client
):
    client.provision(a_request())
    simulator.advance(60)

    with pytest.raises(errors.Conflict) as caught:
        client.provision(a_request())

    assert caught.value.code == "10022"
    assert caught.value.text
    assert caught.value.tracking_id


def test_a_precheck_refuses_an_address_of_another_organisation(client):
    verdict = client.precheck(a_precheck("taken@other.example"))

    assert (verdict.ok, verdict.code) == (False, "200039")
    assert "already in use" in verdict.text


def test_a_background_error_arrives_in_errors(simulator: SimulatorProcess, client):
    started = client.provision(a_request(email="taken@other.example"))
    simulator.advance(60)

    failed = client.get_subscriber(started.id)

    assert (failed.status, [error.code for error in failed.errors]) == ("error", ["200039"])


def test_the_consent_mail_is_sent_only_while_it_is_waited_for(simulator: SimulatorProcess, client):
    colleague = {"user_id": "first@sp.example", "status": "provisioned"}  # the organisation exists
    where = {"provisioning_id": PROVISIONING_ID, "enterprise": CUSTOMER}
    simulator.load({"subscribers": [colleague | where]})
    started = client.provision(a_request(email="private@mail.example"))
    simulator.advance(60)
    before = len(simulator.mails())

    client.send_consent_mail(started.id)

    assert len(simulator.mails()) == before + 1
    assert client.get_subscriber(started.id).status == "pending_user_migration"


def test_a_provisioning_id_is_known_or_not(client):
    assert client.knows_provisioning_id(PROVISIONING_ID)
    assert not client.knows_provisioning_id("never-heard-of")


def test_tokens_that_are_wrong_or_may_only_read(simulator: SimulatorProcess):
    with pytest.raises(errors.TokenRefused):
        a_client(simulator, token="wrong").knows_provisioning_id(PROVISIONING_ID)
    with pytest.raises(errors.Forbidden):
        a_client(simulator, token="reader").provision(a_request())


@pytest.mark.parametrize(
    ("fault", "kind", "happened"),
    [
        ({"drop_before": True}, errors.Unknown, False),
        ({"drop_after": True}, errors.Unknown, True),
        ({"status": 504, "after": True}, errors.Unknown, True),
        ({"status": 429, "headers": {"Retry-After": "3"}}, errors.Throttled, False),
        ({"body": "<html>"}, errors.Unknown, True),
        ({"delay_after_ms": 3000}, errors.Unknown, True),
    ],
)
def test_an_answer_that_went_astray_is_classed_and_find_tells_what_happened(
    simulator: SimulatorProcess, fault, kind, happened
):
    simulator.fault(operation="provision", **fault)

    with pytest.raises(kind):
        a_client(simulator, total=1.0).provision(a_request())

    found = a_client(simulator).find_subscribers(PROVISIONING_ID, LOGIN, CUSTOMER)
    assert bool(found) is happened
    assert len(simulator.requests(operation="provision")) == 1


@pytest.mark.parametrize("typed", [LOGIN, LOGIN.upper()])
def test_a_login_gives_the_profile(simulator: SimulatorProcess, typed):
    profile = check(simulator, typed, PASSWORD)

    assert (profile.user_id, profile.first_name, profile.last_name) == (LOGIN, "Åse", "Sørensen")
    assert profile.sp_enterprise_id(enterprise_mode=False) == CUSTOMER
    assert (profile.number, profile.extension) == ("+45-70101010", "1010")


def test_a_wrong_login_is_asked_for_once(simulator: SimulatorProcess):
    with pytest.raises(xsi.WrongLogin):
        check(simulator, LOGIN, "wrong")

    assert len(simulator.requests(operation="login")) == 1


def test_a_lockout_that_broadworks_names_is_told_apart(simulator: SimulatorProcess):
    with pytest.raises(xsi.LoginLocked):
        check(simulator, "locked@nordictel.example", PASSWORD)
    with pytest.raises(xsi.WrongLogin):
        check(simulator, "locked@nordictel.example", "wrong")


def check(simulator: SimulatorProcess, user_id: str, password: str) -> xsi.XsiProfile:
    return xsi.check_login(simulator.url, user_id, password, trusted_hosts=["127.0.0.1"])
