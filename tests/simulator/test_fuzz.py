"""The property-based run: every operation of the document, positive and negative data, links.

FUZZ_EXAMPLES=1000 python -m pytest tests/simulator/test_fuzz.py   a longer one (15)
FUZZ_SEED=7                                                        and another one (1)
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from tests.simulator import contract, fuzz, narrowed
from tests.simulator.conftest import TOKEN, a_subscriber, an_account, the_cast
from tests.simulator_process import SimulatorProcess, running_simulator

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "15"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
OPERATIONS = 8
WAITING = "2@acme.example"
#: All that schemathesis has, but for the one that needs peers (object_level_authorization runs
#: too, and finds nothing to do) and max_response_time (the machine is shared).
CHECKS = {
    "allow_header_conformance",
    "content_type_conformance",
    "ensure_resource_availability",
    "ignored_auth",
    "missing_required_header",
    "negative_data_rejection",
    "not_a_server_error",
    "positive_data_acceptance",
    "response_headers_conformance",
    "response_schema_conformance",
    "status_code_conformance",
    "unsupported_method",
    "use_after_free",
}
pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(
        not contract.DOCUMENT.exists(),
        reason=f"NOT CHECKED: the published document is missing at {contract.DOCUMENT}",
    ),
]


@pytest.fixture(scope="module")
def quick_simulator() -> Iterator[SimulatorProcess]:
    """Everything that is under way is done at the next read: more statuses are met."""
    with running_simulator(SIMULATOR_TIME_SCALE="0") as simulator:
        yield simulator


@pytest.mark.parametrize(
    "answers",
    ["schema", *(pytest.param(form, marks=pytest.mark.long) for form in ("examples", "letter"))],
)
def test_no_property_is_broken(answers: str, quick_simulator: SimulatorProcess):
    quick_simulator.reset()
    many = [a_subscriber("1@acme.example"), a_subscriber(WAITING, status="pending_user_migration")]
    quick_simulator.load(the_cast() | {"subscribers": many})
    quick_simulator.load({"accounts": [an_account(answers=answers)]})
    listed = quick_simulator.call("GET", f"/broadworks/subscribers?userId={WAITING}", TOKEN)
    (waiting,) = listed.json()["items"]
    document = narrowed.document(answers, waiting=waiting["id"])

    report = fuzz.run(quick_simulator.url, TOKEN, document, examples=EXAMPLES, seed=SEED)

    sys.stdout.write(f"answers {answers}: {report.figures}\n{report.table}\n")  # seen with -s
    assert not report.failures, "\n\n".join(report.failures[:20])
    assert len(report.operations) == OPERATIONS
    assert {phase: report.phases[phase] for phase in fuzz.PHASES} == dict.fromkeys(
        fuzz.PHASES, "success"
    )
    assert report.operations == {label for label, status in report.statuses if status < 300}
    assert set(report.checks) >= CHECKS
