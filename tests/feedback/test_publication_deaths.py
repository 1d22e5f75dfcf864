"""A publication through the death of each part: the same content, published once."""

import contextlib
import os
import signal
import time

import numpy as np
import pytest
from celery import current_app
from django.db import DatabaseError, InterfaceError, connection

from feedback.models import Release, ReleaseFile
from feedback.release_folders import folder_of
from feedback.states import ReleaseState
from ml.compute.publishing.verify import verify_folder
from ml.models import Run, RunStep
from ml.states import RunState, StepState
from tests.releases import correct, forget_release, published_release, ready_map, signed_release

pytestmark = [pytest.mark.service, pytest.mark.slow]
PATIENCE_SECONDS = 180


def patches(side=480):
    """Squares of four cells a side in four habitats: a map that takes a moment to write."""
    drawn = np.random.default_rng(1).integers(1, 5, (side // 4, side // 4))
    return np.kron(drawn, np.ones((4, 4), int)).astype(np.uint16)


def patiently(question, worker):
    """Ask until the database says yes, through its death; start a worker that fell, as the supervisor does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for program in (worker, worker.beat):
            program.keep()
        try:
            if question():
                return
        except (DatabaseError, InterfaceError):
            with contextlib.suppress(DatabaseError, InterfaceError):
                connection.close()
        time.sleep(0.02)
    pytest.fail(f"not in time; runs: {list(Run.objects.values('state', 'failure', 'message', 'attempt'))}")


def begun(run, name):
    return RunStep.objects.filter(run=run, name=name).exclude(state=StepState.WAITING).exists()


def kill_children(worker, parts):
    for pid in worker.children():
        os.kill(pid, signal.SIGKILL)


def kill_worker(worker, parts):
    worker.kill()
    worker.start()


def kill_database(worker, parts):
    parts.kill_database()
    connection.close()
    parts.revive()


def kill_broker(worker, parts):
    parts.kill_broker()
    parts.revive()


DEATHS = (
    ("redraw_low_zooms", kill_children),
    ("write_polygons", kill_worker),
    ("write_tiles", kill_broker),
    ("write_changes", kill_database),
    ("publish", kill_children),
)


def test_a_publication_survives_the_death_of_every_part(worker, parts, tmp_path):
    vintage = ready_map(tmp_path / "map", values=patches())
    correct(vintage, 1, "J1.1")
    expected = published_release(vintage).content_sha256
    forget_release(vintage)

    release = signed_release(vintage)
    current_app.send_task("feedback.play_publication", [release.run_id])
    for step, kill in DEATHS:
        patiently(lambda step=step: begun(release.run, step), worker)
        kill(worker, parts)
    patiently(lambda: Run.objects.get(pk=release.run_id).state in (RunState.FINISHED, RunState.FAILED), worker)

    run = Run.objects.get(pk=release.run_id)
    assert (run.state, run.failure) == (RunState.FINISHED, "")
    assert run.attempt > 1
    release = Release.objects.get()
    assert (release.state, release.content_sha256) == (ReleaseState.PUBLISHED, expected)
    assert ReleaseFile.objects.count() == 8
    assert verify_folder(folder_of(release))["content_sha256"] == expected
