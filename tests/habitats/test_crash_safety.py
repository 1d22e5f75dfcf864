"""A mapping year through the death of each part: the same raster, the same polygons, once."""

import contextlib
import hashlib
import os
import signal
import time

import pytest
from celery import current_app
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from habitats.importers.region_folder import import_region_folder
from habitats.mapping_year import play_run
from habitats.models import Polygon, Vintage
from habitats.states import VintageState
from ml.actions import request_run
from ml.models import Run, RunStep
from ml.states import RunKind, RunState, StepState
from tests.regions import simulated_folder

pytestmark = [pytest.mark.service, pytest.mark.slow]
YEAR = 2024
PATIENCE_SECONDS = 180


@pytest.fixture
def region(transactional_db, tmp_path_factory):
    return import_region_folder(simulated_folder(tmp_path_factory), at=timezone.now()).region


def ask_for_the_year(region):
    return request_run(
        region=region, year=YEAR, kind=RunKind.YEAR, at=timezone.now(), by=None, parameters={"decision": "gate"}
    )


def what_stands(run):
    """The hash of the class raster and of the polygons of a run's vintage."""
    vintage = Vintage.objects.get(run=run)
    digest = hashlib.sha256()
    for row in (
        Polygon.objects.filter(vintage=vintage)
        .order_by("number")
        .values_list("number", "habitat_type__code", "confidence", "area_m2", "geometry")
    ):
        digest.update(repr(row[:-1]).encode() + bytes(row[-1].wkb))
    return vintage.classes.sha256, digest.hexdigest(), vintage.polygon_count


def patiently(question):
    """Ask the database until it says yes, through its death and return."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(DatabaseError, InterfaceError):
            if question():
                return
            time.sleep(0.05)
            continue
        connection.close()
        time.sleep(0.2)
    pytest.fail(f"not in time; runs: {list(Run.objects.values('state', 'failure', 'message', 'attempt'))}")


def begun(run, name):
    """A small region's steps are short: one that has just ended is as good a moment as any."""
    return RunStep.objects.filter(run=run, name=name).exclude(state=StepState.WAITING).exists()


def kill_children(worker, parts):
    for pid in worker.children():
        os.kill(pid, signal.SIGKILL)


def kill_worker(worker, parts):
    worker.kill()
    worker.start()


def kill_broker(worker, parts):
    parts.kill_broker()
    parts.revive()


def kill_database(worker, parts):
    parts.kill_database()
    connection.close()
    parts.revive()


DEATHS = (
    ("train", kill_children),
    ("map_by_windows", kill_broker),
    ("vectorise", kill_worker),
    ("load", kill_database),
)


def test_a_year_survives_the_death_of_every_part_and_gives_the_same_map_once(region, worker, parts):
    reference = ask_for_the_year(region)
    play_run(reference.pk)
    expected = what_stands(reference)

    run = ask_for_the_year(region)
    current_app.send_task("habitats.play_run", [run.pk])
    for step, kill in DEATHS:
        patiently(lambda step=step: begun(run, step))
        kill(worker, parts)
    patiently(lambda: Run.objects.get(pk=run.pk).state in (RunState.FINISHED, RunState.FAILED))

    run.refresh_from_db()
    assert (run.state, run.failure) == (RunState.FINISHED, "")
    assert run.attempt > 1
    assert what_stands(run) == expected
    assert Vintage.objects.filter(state=VintageState.WORKING).count() == 1
    assert Polygon.objects.filter(vintage__run=run).count() == expected[2]


def test_a_run_rung_five_times_or_never_is_mapped_once(region, worker):
    run = ask_for_the_year(region)
    for _ring in range(5):
        current_app.send_task("habitats.play_run", [run.pk])
    patiently(lambda: Run.objects.get(pk=run.pk).state == RunState.FINISHED)
    assert Run.objects.get().attempt == 1
    assert Vintage.objects.count() == 1
    never_rung = ask_for_the_year(region)
    patiently(lambda: Run.objects.get(pk=never_rung.pk).state == RunState.FINISHED)
