import threading

import pytest
from django.db import connection

from ml import actions
from ml.errors import RunLostError, RunStoppedError
from ml.models import Run
from ml.run_session import LOCK_FAMILY, working_on
from ml.states import RunState, StepState
from territories.states import Role
from tests.factories import AN_INSTANT, RunFactory, person_with

pytestmark = pytest.mark.django_db(transaction=True)


def test_finished_steps_are_not_played_again():
    run = RunFactory()
    played = []

    def first(_session):
        played.append("first")
        return {"left": 7}

    def fails(session):
        assert session.outputs["first"] == {"left": 7}
        raise ZeroDivisionError

    def second(session):
        played.append("second")
        return session.outputs["first"]

    with pytest.raises(ZeroDivisionError), working_on(run.pk) as session:
        session.play([("first", first, 1), ("second", fails, 1)])
    with working_on(run.pk) as session:
        session.play([("first", first, 1), ("second", second, 1)])
    assert played == ["first", "second"]
    assert [step.state for step in run.steps.all()] == [StepState.FINISHED, StepState.FINISHED]


def test_a_step_that_fails_leaves_no_row_behind():
    run = RunFactory()

    def writes_then_fails(_session):
        actions.register_predictors(year=2024, bands=[{"file": "a.tif", "band": 1, "name": "B08", "kind": "static"}])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), working_on(run.pk) as session:
        session.play([("write", writes_then_fails, 1)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ml_predictorlayer")
        assert cursor.fetchone() == (0,)


def test_two_workers_never_hold_the_same_run():
    run = RunFactory()
    seen = []
    with working_on(run.pk) as session:
        assert session is not None

        def other():
            with working_on(run.pk) as second:
                seen.append(second)
            connection.close()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert seen == [None]
    assert Run.objects.get().attempt == 1


def test_a_finished_run_is_left_alone():
    with working_on(RunFactory(finished=True).pk) as session:
        assert session is None


def test_a_stop_reaches_the_work_at_its_next_progress():
    run = RunFactory()
    engineer = person_with(Role.MODEL_ENGINEER)

    def a_person_asks():
        actions.request_stop(run=run, by=engineer, at=AN_INSTANT)
        connection.close()

    def long(session):
        thread = threading.Thread(target=a_person_asks)
        thread.start()
        thread.join()
        for done in range(1000):
            session.progress(done, 1000)
            threading.Event().wait(0.01)

    with working_on(run.pk) as session, pytest.raises(RunStoppedError):
        session.play([("long", long, 1)])


def test_a_worker_whose_connection_is_cut_writes_nothing_more():
    run = RunFactory()

    def loses_its_lock(session):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s",
                [LOCK_FAMILY],
            )
        for done in range(1000):
            session.progress(done, 1000)
            threading.Event().wait(0.01)

    with working_on(run.pk) as session, pytest.raises(RunLostError):
        session.play([("long", loses_its_lock, 1)])
    assert run.steps.get().state == StepState.RUNNING
    assert Run.objects.get().state == RunState.RUNNING
