"""One map drawn by several workers: each takes chunks that nobody works on, the run's own worker merges them.

A chunk is claimed by a lock that dies with its worker, and done once its mark stands in the shared folder: the chunk of
a worker that is killed is free at once, and whoever takes it next writes the same bytes.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection

from habitats.stacks import stack_paths
from ml.actions import note_help
from ml.compute.classify import ClassifyOutputs
from ml.compute.energy import Meter
from ml.compute.shared_store import SharedFolder
from ml.compute.shared_windows import SharedJob, classify_chunk, finished_chunks, merge_chunks
from ml.errors import RunStoppedError
from ml.models import ModelVersion, Run
from ml.run_session import RunSession
from ml.states import RunState
from ml.storage import has_file, path_of, work_dir

LOCK_FAMILY = 7242  # the first bits of our locks on chunks, so that no other use of them meets ours
RUN_BITS, CHUNK_BITS = 32, 16
POLL_SECONDS = 1.0
MODEL = "model"

Watch = Callable[[int, int], None]


def shared_job(run: Run, version: ModelVersion, outputs: ClassifyOutputs) -> SharedJob:
    """The map of a run, as every worker that shares it sees it."""
    return SharedJob(
        stack_paths=tuple(stack_paths(run.region, run.year)),
        model_path=_model_path(run, version),
        outputs=outputs,
        url=_url_of(run),
        chunks=settings.MAP_CHUNKS,
        work_dir=work_dir(run) / "shared",
    )


def map_together(session: RunSession, job: SharedJob, *, workers: int) -> None:
    """Map the chunks that nobody works on, wait for the others, merge.

    Raises:
        RunLostError: another attempt has the run.
        RunStoppedError: a person asked it to stop; finished chunks stay for the restart.
    """
    _share_model(session.run, job)

    def report(_done: int, _total: int) -> None:
        session.progress(len(finished_chunks(job)), job.chunks)

    while len(finished := finished_chunks(job)) < job.chunks:
        session.progress(len(finished), job.chunks)
        if not take_chunks(job, session.run, watch=_at_most_once_a_second(report), workers=workers):
            time.sleep(POLL_SECONDS)  # the last ones are in other hands
    merge_chunks(job, workers=workers, progress=lambda _done, _total: session.progress(job.chunks, job.chunks))
    SharedFolder(_url_of(session.run)).remove()


def help_map(run_id: int) -> int:
    """Take chunks of a run that maps now; nothing where it does not.

    Returns:
        How many chunks were mapped.
    """
    run = _mapping_run(run_id)
    if run is None or run.version is None or not settings.MAP_SHARED_URL:
        return 0
    # Only which rasters are wanted matters here: the run's own worker writes them.
    here = work_dir(run)
    job = shared_job(run, run.version, ClassifyOutputs(here / "classes.tif", here / "c.tif", here / "r.tif"))

    def watch(_done: int, _total: int) -> None:
        if _mapping_run(run_id) is None:
            raise RunStoppedError(f"run {run_id} does not map any more")

    mapped = 0
    with Meter() as meter, suppress(RunStoppedError):
        mapped = take_chunks(job, run, watch=_at_most_once_a_second(watch))
    note_help(run=run, measured={"cpu_seconds": meter.cpu_seconds, "energy_wh": meter.energy_wh})
    return mapped


def take_chunks(job: SharedJob, run: Run, *, watch: Watch, workers: int = 1) -> int:
    """Map chunk after chunk, as long as one is neither done nor in other hands.

    Returns:
        How many were mapped.
    """
    mapped = 0
    while _take_one(job, run, watch, workers):
        mapped += 1
    return mapped


def _take_one(job: SharedJob, run: Run, watch: Watch, workers: int) -> bool:
    for chunk in sorted(set(range(job.chunks)) - finished_chunks(job)):
        with _claimed(run, chunk) as is_mine:
            if is_mine and classify_chunk(job, chunk, workers=workers, progress=watch):
                return True
    return False


@contextmanager
def _claimed(run: Run, chunk: int) -> Iterator[bool]:
    """Whether the chunk is ours until the end of the block; the lock ends with the connection, however that ends."""
    key = ((LOCK_FAMILY << RUN_BITS | run.pk) << CHUNK_BITS) | chunk
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        row = cursor.fetchone()
    is_mine = bool(row and row[0])
    try:
        yield is_mine
    finally:
        if is_mine:
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _mapping_run(run_id: int) -> Run | None:
    """The run, if it draws its map now and nobody has asked it to stop."""
    running = Run.objects.filter(pk=run_id, state=RunState.RUNNING, stop_requested_at__isnull=True)
    return running.at_step(settings.SHARED_STEP).select_related("region", "version__artefact").first()


def _at_most_once_a_second(watch: Watch) -> Watch:
    last = 0.0

    def watch_seldom(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= POLL_SECONDS:
            last = time.monotonic()
            watch(done, total)

    return watch_seldom


def _url_of(run: Run) -> str:
    return f"{settings.MAP_SHARED_URL.rstrip('/')}/{settings.REGION_SLUG}/run-{run.pk}"


def _share_model(run: Run, job: SharedJob) -> None:
    """Leave the model where a machine that has not our store finds it."""
    folder = SharedFolder(_url_of(run))
    if MODEL not in folder.names():
        folder.put(job.model_path, MODEL)


def _model_path(run: Run, version: ModelVersion) -> Path:
    """The model of our store, or a copy of the one that the run's own worker has left in the shared folder."""
    if has_file(version.artefact):
        return path_of(version.artefact)
    copy = work_dir(run) / f"shared-{version.artefact.sha256[:16]}{version.artefact.suffix}"
    if not copy.exists():
        SharedFolder(_url_of(run)).take(MODEL, copy)
    return copy
