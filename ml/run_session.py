"""Work on a run: its lock, its heartbeat, its steps. Every long story is played inside one session."""

import datetime
import errno
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.errors import DiskFull

from bioccia.errors import BiocciaError
from ml import actions, storage
from ml.compute.energy import Meter
from ml.compute.errors import ComputeError
from ml.errors import DecisionAwaitedError, RunLostError, RunStoppedError
from ml.models import Run
from ml.states import StepState

logger = structlog.get_logger(__name__)
LOCK_FAMILY = 7241  # the first key of our advisory locks, so that no other use of them meets ours
TICK_SECONDS = 1.0

Step = Callable[["RunSession"], Mapping[str, Any]]


class RunSession:
    """What a story's steps may use: the run, the outputs of the steps before, progress, a folder."""

    def __init__(self, run: Run, pulse: "Pulse", now: Callable[[], datetime.datetime]) -> None:
        self.run = run
        self.now = now
        self._pulse = pulse
        self.outputs: dict[str, dict[str, Any]] = {
            step.name: step.outputs for step in run.steps.filter(state=StepState.FINISHED)
        }
        self.work_dir: Path = storage.work_dir(run)

    def play(self, steps: Sequence[tuple[str, Step, float]]) -> None:
        """Play the steps in order, skipping those that an earlier attempt finished.

        Args:
            steps: name, function, and share of the whole duration (the shares need not add up to 1).
        """
        whole = sum(weight for _name, _step, weight in steps)
        before = 0.0
        for position, (name, step, weight) in enumerate(steps):
            self._pulse.enter(name, before / whole, weight / whole)
            if name not in self.outputs:
                self._play_one(name, step, position)
            before += weight

    def _play_one(self, name: str, step: Step, position: int) -> None:
        self.progress(0, 0)
        actions.start_step(run=self.run, name=name, position=position)
        with transaction.atomic():
            with Meter() as meter:
                outputs = dict(step(self))
            self.progress(1, 1)
            measured = {key: getattr(meter, key) for key in ("seconds", "cpu_seconds", "energy_wh", "peak_rss_mb")}
            actions.finish_step(run=self.run, name=name, outputs=outputs, measured=measured)
        self.outputs[name] = outputs
        logger.info("step finished", step=name, seconds=round(meter.seconds, 2))

    def progress(self, done: int, total: int) -> None:
        """Say where the step stands; the place where a lost or stopped run leaves its work.

        Raises:
            RunLostError: another attempt has the run, or the lock is gone.
            RunStoppedError: a person asked it to stop.
        """
        self._pulse.report(done, total)
        if self._pulse.lost.is_set():
            raise RunLostError(f"run {self.run.pk}: the lock or the database went away")
        if self._pulse.stop_asked.is_set():
            raise RunStoppedError(f"run {self.run.pk}: asked to stop")


class Pulse(threading.Thread):
    """Holds the run's advisory lock on its own connection, and beats.

    The lock lives as long as this connection: when the process or the database dies, it is free at once.
    """

    def __init__(self, run_id: int, now: Callable[[], datetime.datetime]) -> None:
        super().__init__(name=f"pulse-{run_id}", daemon=True)
        self.run_id = run_id
        self.now = now
        self.answered, self.lost, self.stop_asked = threading.Event(), threading.Event(), threading.Event()
        self.has_lock = False
        self.run_row: Run | None = None
        self._ended = threading.Event()
        self._changed = False
        self._state: dict[str, Any] = {"step": "", "done": 0, "total": 0, "progress": 0.0, "message": ""}
        self._start, self._weight = 0.0, 0.0

    def enter(self, step: str, start: float, weight: float) -> None:
        """A step begins, at `start` of the whole, and weighs `weight` of it."""
        self._start, self._weight = start, weight
        self._state = {**self._state, "step": step}
        self.report(0, 0)

    def report(self, done: int, total: int) -> None:
        """Keep where the step stands for the next beat."""
        share = done / total if total else 0.0
        progress = min(self._start + self._weight * share, 1.0)
        self._state = {**self._state, "done": done, "total": total, "progress": progress}
        self._changed = True

    def run(self) -> None:
        """Take the lock, then beat until the end."""
        try:
            self.has_lock = self._take_lock()
            self.answered.set()
            if self.has_lock:
                self._beat()
        except (DatabaseError, InterfaceError, RunLostError) as error:
            logger.warning("run lost", run=self.run_id, why=str(error))
            self.lost.set()
        finally:
            self.answered.set()
            connection.close()

    def end(self) -> None:
        """Stop beating and let the lock go."""
        self._ended.set()
        self.join()

    def _take_lock(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_FAMILY, self.run_id])
            row = cursor.fetchone()
        return bool(row and row[0])

    def _beat(self) -> None:
        silent = 0.0
        while not self._ended.wait(TICK_SECONDS):
            silent += TICK_SECONDS
            if self.run_row is None or not (self._changed or silent >= settings.RUN_HEARTBEAT_SECONDS):
                continue
            self._changed, silent = False, 0.0
            if actions.note_heartbeat(run=self.run_row, at=self.now(), **self._state):
                self.stop_asked.set()


@contextmanager
def working_on(run_id: int, *, now: Callable[[], datetime.datetime] = timezone.now) -> Iterator[RunSession | None]:
    """Open a session on a run, or yield None where another worker has it or nothing is left to do."""
    pulse = Pulse(run_id, now)
    pulse.start()
    try:
        pulse.answered.wait()
        run = actions.claim_run(run_id=run_id, at=now()) if pulse.has_lock else None
        if run is None:
            yield None
            return
        pulse.run_row = run
        with structlog.contextvars.bound_contextvars(run=run.pk, attempt=run.attempt):
            yield RunSession(run, pulse, now)
    finally:
        pulse.end()


def play_to_its_end(
    session: RunSession,
    steps: Sequence[tuple[str, Step, float]],
    result_of: Callable[[RunSession], Mapping[str, Any]],
) -> None:
    """Play a story and write how it ended: finished, stopped, awaiting a decision, or failed with a reason.

    Args:
        session: the run, claimed.
        steps: as `RunSession.play` takes them.
        result_of: what a finished run made.
    """
    run = session.run
    try:
        session.play(steps)
    except DecisionAwaitedError:
        actions.await_decision(run=run, at=session.now())
    except RunStoppedError:
        actions.stop_run(run=run, at=session.now())
    except RunLostError as error:
        logger.warning("run left to another worker", why=str(error))
    except (ComputeError, BiocciaError) as error:
        logger.warning("run failed", why=str(error))
        actions.fail_run(run=run, at=session.now(), reason=str(error))
    except (OSError, OperationalError) as error:
        if not _is_full_disk(error):
            raise
        sentence = _("The disk is full: free some space, then restart the run from its page.")
        actions.fail_run(run=run, at=session.now(), reason=sentence)
    else:
        actions.finish_run(run=run, at=session.now(), result=result_of(session))
        storage.remove_work_dir(run)


def _is_full_disk(error: OSError | OperationalError) -> bool:
    """Whether the disk of the files, or the one of the database, is full."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(error.__cause__, DiskFull)


def end_abandoned_runs() -> None:
    """Fail the runs of the console whose process is gone: nobody holds their lock, and nobody will ring for them."""
    for run in Run.objects.open().filter(requested_by__isnull=True):
        with working_on(run.pk) as session:
            if session is not None:
                actions.fail_run(run=session.run, at=session.now(), reason=_("Its process ended before it did."))
