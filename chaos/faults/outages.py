"""The backend: in trouble, away, behind our back, and no longer willing to know our token."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from accounts.models import BackendConnection
from chaos import truth, world
from chaos.backend import Json
from chaos.faults.base import fault
from chaos.recovery import part
from chaos.run import Run
from chaos.world import TENANTS
from provisioning.models import Job

#: After the trouble is over the next probe comes within this: the breaker's longest wait, scaled.
PROBED_SECONDS = 35.0
OPENED_SECONDS = 5.0
#: Actions of a partner without trouble end so soon: a sweep, a call, its polls.
NEIGHBOUR_SECONDS = 8.0
CHANGES = "provision,update,remove"


@fault("F11", "5xx before and after the effect, then nothing but 5xx")
def errors(run: Run) -> None:
    """30 % of all changes answer 500 to 504, half of them after their effect; then everything does.

    Nothing is doubled. The breaker opens within 5 s, then one request at a time asks whether the
    trouble is over.
    """
    run.begin(users={TENANTS[0]: 400})
    clients = run.act(400, per_second=15, once=True)
    for number, status in enumerate((500, 502, 503, 504)):
        for effect in (True, False):
            run.backend.fault("server_error", status=status, effect=effect, probability=0.045,
                              operation=CHANGES, seed=f"{run.options.seed} {number}")  # fmt: skip
    time.sleep(10)
    run.backend.heal()
    run.backend.fault("server_error", status=503)
    began = run.tell("nothing but 503")
    opened = run.until(_is_open, 30, "the breaker open")
    run.require(opened <= OPENED_SECONDS, f"the breaker opened after {opened:.1f} s")
    quiet_from = time.time() + 1.0  # those that were under way are over
    time.sleep(8)
    run.backend.heal()
    healed = run.tell("healthy again")
    most = _most_at_once(run.backend.log(), quiet_from, healed)
    run.require(most <= 1, f"at most {most} requests at once while the breaker was open")
    run.resumed(healed, PROBED_SECONDS)
    clients.wait()
    run.settle(180)
    run.note(f"5xx for {healed - began:.0f} s")


def _is_open() -> bool:
    return BackendConnection.objects.filter(trips__gt=0).exists()


def _most_at_once(log: list[Json], begin: float, end: float) -> int:
    moments = []
    for line in log:
        came = datetime.fromisoformat(line["at"]).timestamp()
        left = datetime.fromisoformat(line["finished_at"]).timestamp()
        if begin < came < end:
            moments += [(came, 1), (left, -1)]
    most = now = 0
    for _at, change in sorted(moments):
        now += change
        most = max(most, now)
    return most


@fault("F12", "the backend silent for one partner, then away for all")
def away(run: Run) -> None:
    """One partner's requests are taken and never answered, then the backend does not exist at all.

    No job fails by it, and the others' actions end as quickly as ever while the one is silent.
    """
    run.begin(users=300)
    run.act(300, per_second=8, once=True)
    run.backend.fault("down", form="hang", token_name=TENANTS[0], seconds=60)
    began = datetime.fromtimestamp(run.tell("silent", TENANTS[0]), tz=UTC)
    time.sleep(20)
    others = _lasted(began, TENANTS[1:])
    slowest = part(others, 0.95) or 0.0
    text = f"{len(others)} actions of the others meanwhile, p95 {slowest:.1f} s"
    run.require(slowest <= NEIGHBOUR_SECONDS and len(others) > 20, text)
    run.backend.heal()
    run.tell("kill -9", "backend")
    run.backend.child.kill()
    time.sleep(8)
    run.backend.child.start()
    run.resumed(run.tell("back", "backend"), PROBED_SECONDS)
    run.settle(240)
    failed = list(Job.objects.filter(state="failed").values_list("result_code", flat=True))
    run.require(not failed, f"{len(failed)} jobs failed by it {failed[:3]}")


def _lasted(began: datetime, partners: tuple[str, ...]) -> list[float]:
    """How long the actions of these took that began after a moment and have ended."""
    jobs = Job.objects.filter(
        partner__name__in=partners, created_at__gt=began, finished_at__isnull=False
    )
    return [(job.finished_at - job.created_at).total_seconds() for job in jobs if job.finished_at]


@fault("F17", "users changed and removed behind our back")
def behind_our_back(run: Run) -> None:
    """A third of the users has gone from Webex, and a third has changed, before anybody acts.

    A delete of somebody who is gone is done, a change of package fails and says so; afterwards
    the screen shows what is there.
    """
    run.begin(users=150)
    for name in TENANTS:
        run.gone |= _meddle(run, name)
    run.since = run.backend.log()[-1]["id"]
    run.act(150, per_second=20, once=True)
    run.settle(120)
    codes = set(
        Job.objects.filter(state="failed", broadworks_id__in=run.gone).values_list(
            "result_code", flat=True
        )
    )
    run.require(codes == {"PH-GONE"}, f"changes of users who had gone ended as {sorted(codes)}")


def _meddle(run: Run, name: str) -> set[str]:
    """Remove and change users of a tenant as somebody else; returns who was removed."""
    held = sorted(truth.held(run.backend, name).items())
    for webex_id, _shown in held[::3]:
        run.backend.call("DELETE", f"/broadworks/subscribers/{webex_id}", world.token(name))
    for webex_id, _shown in held[1::3]:
        path = f"/broadworks/subscribers/{webex_id}"
        run.backend.call("PUT", path, world.token(name), {"package": "premium"})
    return {shown[0] for _webex_id, shown in held[::3]}


@fault("F26", "the token refused in the middle")
def token_refused(run: Run) -> None:
    """Every request is answered 401 for six seconds: jobs are held, then done; none fails by it."""
    run.begin(users=200)
    clients = run.act(200, per_second=15, once=True)
    time.sleep(3)
    run.backend.fault("token_refused")
    began = run.tell("401")
    time.sleep(6)
    asked = sum(line["status"] == 401 for line in run.backend.log())
    run.backend.heal()
    run.resumed(run.tell("token good again"), PROBED_SECONDS)
    clients.wait()
    run.settle(120)
    run.require(asked <= 40, f"{asked} requests were refused in {time.time() - began:.0f} s")
    failed = Job.objects.filter(state="failed").count()
    run.require(failed == 0, f"{failed} jobs failed by it")
