"""What the state machine holds the engine to: after every step, and once everything is quiet."""

from __future__ import annotations

from hypothesis.stateful import invariant

from provisioning import codes
from provisioning.bulk import services as bulk_services
from provisioning.invariants import check as invariants_check
from provisioning.models import Job, JobBatch, Subscriber
from provisioning.states import FINAL, JobKind, JobState, Status
from provisioning.sync import passes
from tests.factories import actor_of
from tests.provisioning import engine_turns
from tests.provisioning.machine_stage import USERS, Stage
from tests.provisioning.model_backend import CLEAR_NO

#: Endings that say that nothing took effect.
WITHOUT_EFFECT = {codes.EXPIRED, codes.ASKER_LEFT, codes.POISON, codes.GAVE_UP}


class Judged(Stage):
    """The stage, and its judges."""

    @invariant()
    def all_is_well(self) -> None:
        self.tables_are_in_order()
        self.nothing_was_sent_without_its_intent()
        self.nothing_took_effect_twice()
        self.an_end_is_the_end()
        self.rows_show_what_was_and_never_go_back()

    def tables_are_in_order(self) -> None:
        written = engine_turns.written()
        if written != self.looked_at:
            assert invariants_check.check(self.clock.now(), timely=False) == []
            self.looked_at = written

    def nothing_was_sent_without_its_intent(self) -> None:
        assert self.world.breaches == []

    def nothing_took_effect_twice(self) -> None:
        doubled = {
            key: times
            for key, times in self.world.effects.items()
            if times > 1 and key[0] not in self.meddled
        }
        assert doubled == {}

    def an_end_is_the_end(self) -> None:
        for pk, state in Job.objects.filter(state__in=FINAL).values_list("pk", "state"):
            assert self.ends.setdefault(pk, state) == state
        assert set(self.ends) == set(
            Job.objects.filter(state__in=FINAL).values_list("pk", flat=True)
        )

    def rows_show_what_was_and_never_go_back(self) -> None:
        for row in Subscriber.objects.live().exclude(webex_id=None):
            shown = (row.backend_changed_at, row.backend_status)
            assert shown in self.world.past[row.webex_id], f"{row} shows what never was: {shown}"
            place = self.world.past[row.webex_id].index(shown)
            assert place >= self.places.get(row.webex_id, 0), f"{row} went back"
            self.places[row.webex_id] = place

    # ---- The end ----

    def teardown(self) -> None:
        try:
            if hasattr(self, "connection"):
                self.come_to_rest()
        finally:
            self.stack.close()

    def come_to_rest(self) -> None:
        """No faults any more: everything comes to its end, and both sides agree."""
        self.world.faults.clear()
        self.world.question_faults.clear()
        for _ in range(80):
            engine_turns.sweep()
            engine_turns.serve(self.connection)
            for batch in JobBatch.objects.filter(finished_at=None, paused_at__isnull=False):
                bulk_services.resume(batch, actor=actor_of(self.anna), now=self.clock.now())
            for user_id in USERS:
                self.world.finish(user_id, Status.PROVISIONED)
            self.time_passes(20)
            if not Job.objects.unfinished().exists() and not self.world.late:
                engine_turns.sweep()
                break
        assert [str(job.state) for job in Job.objects.unfinished()] == []
        self.time_passes(400)
        assert passes.sync_connection(self.connection.pk)
        assert passes.full_pass(self.connection.pk)
        engine_turns.sweep()
        assert invariants_check.check(self.clock.now()) == []
        self.all_is_well()
        self.ends_tell_the_truth()
        self.both_sides_agree()

    def ends_tell_the_truth(self) -> None:
        for job in Job.objects.all():
            happened = {step for pk, step in self.world.effects if pk == job.pk}
            last = {JobKind.DELETE: "delete", JobKind.PACKAGE: "put"}.get(job.kind, "post")
            told = f"{job.kind} {job.state} {job.result_code} {job.result_text}: {happened}"
            if job.state == JobState.DONE and job.kind != JobKind.DELETE:
                assert last in happened or job.pk in self.meddled, told
            if job.state == JobState.CANCELLED:
                assert not happened, told
            if job.state == JobState.FAILED and self.says_nothing_happened(job):
                assert last not in happened, told

    def says_nothing_happened(self, job: Job) -> bool:
        return job.result_code in WITHOUT_EFFECT or str(job.http_status) in CLEAR_NO

    def both_sides_agree(self) -> None:
        ours = {
            row.webex_id: (row.backend_status, row.package, row.email)
            for row in Subscriber.objects.live()
            if row.webex_id
        }
        theirs = {
            held.id: (held.status, held.package, held.email) for held in self.world.held.values()
        }
        assert ours == theirs
