import datetime

import pytest
from django.utils import timezone

from bioccia.errors import InvalidFieldsError, NotAllowedError, StateForbidsError
from ml import actions, queries
from ml.errors import RunLostError, RunOpenError
from ml.models import ModelVersion, Run
from ml.states import RUN_MOVES, RunKind, RunState, StepState, VersionState
from territories.states import Role
from tests.factories import (
    AN_INSTANT,
    MandateFactory,
    ModelVersionFactory,
    RegionFactory,
    RunFactory,
    TerritoryFactory,
    UserFactory,
    person_with,
)

pytestmark = pytest.mark.django_db
MEASURED = {"seconds": 1.0, "cpu_seconds": 2.0, "energy_wh": 0.5, "peak_rss_mb": 100.0}
LATER = AN_INSTANT + datetime.timedelta(minutes=1)


def request(by=None, **options):
    fields = {"year": 2024, "kind": RunKind.YEAR, "at": AN_INSTANT}
    return actions.request_run(region=RegionFactory(), by=by, **{**fields, **options})


def claimed():
    return actions.claim_run(run_id=RunFactory().pk, at=AN_INSTANT)


def test_an_engineer_starts_a_year_and_a_reviewer_does_not():
    assert request(by=person_with(Role.MODEL_ENGINEER)).state == RunState.QUEUED
    with pytest.raises(NotAllowedError):
        request(by=person_with(Role.REVIEWER))


def test_a_mandate_that_has_ended_gives_no_right():
    mandate = MandateFactory(engineer=True, ends_on=AN_INSTANT.date())
    with pytest.raises(NotAllowedError):
        request(by=mandate.user, at=AN_INSTANT + datetime.timedelta(days=2))


def test_only_one_run_of_a_region_is_open():
    request()
    with pytest.raises(RunOpenError):
        request()


@pytest.mark.parametrize(("field", "value"), [("year", 1999), ("mode", "lavish"), ("seed", -1)])
def test_a_wrong_field_is_named(field, value):
    with pytest.raises(InvalidFieldsError) as raised:
        request(**{field: value})
    assert field in raised.value.fields


def test_a_claim_makes_the_attempt_before_it_powerless():
    first = claimed()
    second = actions.claim_run(run_id=first.pk, at=LATER)
    assert second.attempt == first.attempt + 1
    with pytest.raises(RunLostError):
        actions.note_heartbeat(run=first, at=LATER, step="freeze", done=0, total=0, progress=0.1, message="")
    with pytest.raises(RunLostError):
        actions.finish_run(run=first, at=LATER, result={})
    actions.finish_run(run=second, at=LATER, result={"polygons": 3})
    assert Run.objects.get().state == RunState.FINISHED


def test_a_step_finishes_in_the_transaction_of_what_it_wrote():
    run = claimed()
    actions.start_step(run=run, name="train", position=0)
    actions.finish_step(run=run, name="train", outputs={"model": 1}, measured=MEASURED)
    step = run.steps.get()
    assert (step.state, step.outputs, step.seconds) == (StepState.FINISHED, {"model": 1}, 1.0)
    run.refresh_from_db()
    assert (run.cpu_seconds, run.energy_wh, run.peak_rss_mb) == (2.0, 0.5, 100.0)


def test_a_run_that_never_finishes_a_step_fails_instead_of_looping(settings):
    run = RunFactory()
    for _start in range(settings.RUN_MAX_FRUITLESS_STARTS):
        assert actions.claim_run(run_id=run.pk, at=LATER) is not None
    assert actions.claim_run(run_id=run.pk, at=LATER) is None
    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert str(settings.RUN_MAX_FRUITLESS_STARTS) in run.failure


def test_a_finished_step_gives_the_run_its_starts_back(settings):
    run = RunFactory()
    for _start in range(3 * settings.RUN_MAX_FRUITLESS_STARTS):
        claim = actions.claim_run(run_id=run.pk, at=LATER)
        actions.start_step(run=claim, name="map", position=0)
        actions.finish_step(run=claim, name="map", outputs={}, measured=MEASURED)
    assert Run.objects.get().state == RunState.RUNNING


def test_a_queued_run_stops_at_once_and_a_running_one_is_asked():
    engineer = person_with(Role.MODEL_ENGINEER)
    queued = RunFactory()
    assert actions.request_stop(run=queued, by=engineer, at=LATER).state == RunState.STOPPED
    running = RunFactory(running=True)
    assert actions.request_stop(run=running, by=engineer, at=LATER).state == RunState.RUNNING
    held = actions.claim_run(run_id=running.pk, at=LATER)
    assert actions.note_heartbeat(run=held, at=LATER, step="", done=0, total=0, progress=0.1, message="")


def test_a_stop_asked_just_before_a_decision_is_awaited_is_kept():
    run = claimed()
    actions.request_stop(run=run, by=person_with(Role.MODEL_ENGINEER), at=LATER)
    actions.await_decision(run=run, at=LATER)
    assert Run.objects.get().state == RunState.STOPPED


def test_a_release_administrator_may_stop_a_run_but_not_start_one():
    administrator = person_with(Role.RELEASE_ADMINISTRATOR)
    actions.request_stop(run=RunFactory(), by=administrator, at=LATER)
    with pytest.raises(NotAllowedError):
        request(by=administrator)


def test_an_ended_run_cannot_be_stopped_again():
    with pytest.raises(StateForbidsError):
        actions.request_stop(run=RunFactory(finished=True), by=person_with(Role.MODEL_ENGINEER), at=LATER)


def test_a_failed_run_starts_again_and_a_finished_one_does_not():
    engineer = person_with(Role.MODEL_ENGINEER)
    failed = actions.requeue_run(run=RunFactory(failed=True), by=engineer, at=LATER)
    assert (failed.state, failed.failure, failed.heartbeat_at) == (RunState.QUEUED, "", None)
    with pytest.raises(StateForbidsError):
        actions.requeue_run(run=RunFactory(finished=True), by=engineer, at=LATER)


def test_a_silent_run_is_rung_again_and_a_lively_one_is_not():
    now = timezone.now()
    silent = RunFactory(running=True, heartbeat_at=now - datetime.timedelta(seconds=40))
    assert list(queries.runs_to_ring(now)) == [silent]
    assert actions.note_rung(run=silent, at=now)
    assert not actions.note_rung(run=silent, at=now), "the second dispatcher was too late"
    assert not queries.runs_to_ring(now).exists()


def test_a_decision_needs_a_right_a_reason_and_a_candidate():
    version = ModelVersionFactory()
    engineer = person_with(Role.MODEL_ENGINEER)
    with pytest.raises(NotAllowedError):
        actions.approve_version(version=version, by=UserFactory(), reason="Fine.", at=LATER)
    with pytest.raises(InvalidFieldsError):
        actions.approve_version(version=version, by=engineer, reason="  ", at=LATER)
    actions.approve_version(version=version, by=engineer, reason="Fine.", at=LATER)
    with pytest.raises(StateForbidsError):
        actions.reject_version(version=version, by=engineer, reason="No.", at=LATER)
    assert ModelVersion.objects.current() == version


@pytest.mark.parametrize(
    ("decide", "state"), [(actions.approve_version, RunState.QUEUED), (actions.reject_version, RunState.FINISHED)]
)
def test_a_decision_releases_the_run_that_waited_for_it(decide, state):
    run = RunFactory(awaiting_decision=True)
    decide(version=run.version, by=person_with(Role.MODEL_ENGINEER), reason="Seen on the ground.", at=LATER)
    run.refresh_from_db()
    assert run.state == state


@pytest.mark.parametrize(
    ("verdict", "state"),
    [("first", VersionState.APPROVED), ("better", VersionState.APPROVED), ("worse", VersionState.REJECTED)],
)
def test_the_gate_rejects_only_what_is_worse(verdict, state):
    scores = {"candidate": 0.7, "current": 0.8}
    version = ModelVersionFactory(comparison={"verdict": verdict, "macro_f1": scores})
    actions.decide_by_gate(version=version, run=RunFactory(running=True), at=LATER)
    version.refresh_from_db()
    assert version.state == state
    assert "0.700" in version.reason


def test_every_move_of_a_run_ends_in_a_state_and_starts_from_others():
    for move, (sources, target) in RUN_MOVES.items():
        assert target in RunState
        assert set(sources) <= set(RunState), move


def test_the_engineer_of_a_commune_does_not_map_the_whole_region():
    region = TerritoryFactory(region=True)
    commune = TerritoryFactory(parent=region)
    with pytest.raises(NotAllowedError):
        request(by=person_with(Role.MODEL_ENGINEER, commune))
    with pytest.raises(NotAllowedError):
        actions.approve_version(
            version=ModelVersionFactory(), by=person_with(Role.MODEL_ENGINEER, commune), reason="Fine.", at=LATER
        )
