"""One map drawn by several workers: the same bytes as alone, also when one of them is killed in the middle."""

import contextlib
import time

import pytest
from celery import current_app
from django.db import connection
from django.utils import timezone

from habitats import shared_mapping
from habitats.importers.region_folder import import_region_folder
from habitats.mapping_year import play_run
from habitats.models import Vintage
from habitats.shared_mapping import help_map
from ml import queries
from ml.actions import request_run
from ml.models import Run, RunStep
from ml.states import RunKind, RunState, StepState
from tests.fixtures_processes import Program
from tests.regions import simulated_folder

YEAR = 2024
PATIENCE_SECONDS = 180


@pytest.fixture
def shared(settings, monkeypatch, tmp_path):
    """A shared folder and four chunks, for this process and the workers it starts."""
    told = {"MAP_SHARED_URL": str(tmp_path / "shared"), "MAP_CHUNKS": 4, "RUN_HELPERS": 2}
    for name, value in told.items():
        setattr(settings, name, value)
        monkeypatch.setenv(name, str(value))
    return tmp_path / "shared"


@pytest.fixture
def two_workers(shared, broker, transactional_db, tmp_path):
    """Two Celery workers of one child each, as on two machines."""
    words = ["celery", "-A", "bioccia", "worker", "-c", "1", "--prefetch-multiplier", "1", "--loglevel", "INFO"]
    words += ["--without-gossip", "--without-mingle"]
    workers = [Program(name, [*words, "-n", f"{name}@here"], tmp_path) for name in ("first", "second")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.wait_for("ready.")
    yield workers
    for worker in workers:
        worker.stop()


def ask(region, kind, **parameters):
    return request_run(region=region, year=YEAR, kind=kind, at=timezone.now(), by=None, parameters=parameters)


def patiently(question):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not question():
        if time.monotonic() > deadline:
            pytest.fail(f"not in time; runs: {list(Run.objects.values('state', 'failure', 'message', 'attempt'))}")
        time.sleep(0.02)


def rasters_of(run):
    vintage = Vintage.objects.get(run=run)
    return vintage.classes.sha256, vintage.confidence.sha256, vintage.runner_ups.sha256, vintage.polygon_count


def chunk_locks():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = %s",
            [shared_mapping.LOCK_FAMILY],
        )
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.service
@pytest.mark.slow
def test_two_workers_share_a_map_and_the_death_of_one_changes_no_byte(shared, two_workers, settings, tmp_path_factory):
    region = import_region_folder(
        simulated_folder(tmp_path_factory, years=(YEAR,), size_px=520), at=timezone.now()
    ).region
    settings.MAP_SHARED_URL = ""
    alone = ask(region, RunKind.YEAR, decision="gate")
    play_run(alone.pk)
    settings.MAP_SHARED_URL = str(shared)
    alone.refresh_from_db()

    run = ask(region, RunKind.MAPPING, version=alone.version_id)
    current_app.send_task("habitats.play_run", [run.pk])
    patiently(lambda: RunStep.objects.filter(run=run, name="map_by_windows").exists())
    current_app.send_task("habitats.help_map", [run.pk])
    patiently(lambda: len(chunk_locks()) == 2 or Run.objects.get(pk=run.pk).state == RunState.FINISHED)
    helper = max(two_workers, key=lambda one: "habitats.help_map[" in one.said())
    helper.kill()
    helper.start()
    patiently(lambda: Run.objects.get(pk=run.pk).state in (RunState.FINISHED, RunState.FAILED))

    run.refresh_from_db()
    assert (run.state, run.failure) == (RunState.FINISHED, "")
    assert rasters_of(run) == rasters_of(alone)
    assert Vintage.objects.filter(run=run).count() == 1
    assert not any(path.is_file() for path in shared.rglob("*"))


@pytest.fixture
def mapped(shared, settings, transactional_db, tmp_path_factory):
    """A year mapped alone, and a run that would map it again."""
    region = import_region_folder(simulated_folder(tmp_path_factory), at=timezone.now()).region
    settings.MAP_SHARED_URL = ""
    alone = ask(region, RunKind.YEAR, decision="gate")
    play_run(alone.pk)
    settings.MAP_SHARED_URL = str(shared)
    alone.refresh_from_db()
    return alone, ask(region, RunKind.MAPPING, version=alone.version_id)


@pytest.mark.slow
def test_a_shared_map_stops_resumes_and_counts_what_its_helpers_spent(mapped, monkeypatch):
    alone, run = mapped
    take = shared_mapping.classify_chunk
    helped = []

    class KilledError(Exception):
        pass

    def die_at_the_second(job, chunk, **options):
        if chunk == 1:
            raise KilledError
        return take(job, chunk, **options)

    monkeypatch.setattr(shared_mapping, "classify_chunk", die_at_the_second)
    with contextlib.suppress(KilledError):
        play_run(run.pk)
    assert RunStep.objects.get(run=run, name="map_by_windows").state == StepState.RUNNING
    assert queries.runs_to_help().get() == run

    monkeypatch.setattr(shared_mapping, "classify_chunk", take)
    spent = Run.objects.get(pk=run.pk).cpu_seconds
    helped.append(help_map(run.pk))
    assert helped == [3]
    assert help_map(run.pk) == 0
    assert Run.objects.get(pk=run.pk).cpu_seconds > spent
    play_run(run.pk)
    run.refresh_from_db()
    assert run.state == RunState.FINISHED
    assert rasters_of(run) == rasters_of(alone)
    assert help_map(run.pk) == 0
    assert not queries.runs_to_help().exists()


@pytest.mark.slow
def test_a_helper_leaves_a_run_that_was_asked_to_stop(mapped, monkeypatch):
    _alone, run = mapped
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING)
    RunStep.objects.create(run=run, name="map_by_windows", position=0, state=StepState.RUNNING)
    monkeypatch.setattr(shared_mapping, "POLL_SECONDS", 0.0)
    take = shared_mapping.classify_chunk

    def stop_meanwhile(job, chunk, **options):
        Run.objects.filter(pk=run.pk).update(stop_requested_at=timezone.now())
        return take(job, chunk, **options)

    monkeypatch.setattr(shared_mapping, "classify_chunk", stop_meanwhile)
    assert help_map(run.pk) == 0
    assert not chunk_locks()
