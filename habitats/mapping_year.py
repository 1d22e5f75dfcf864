"""The mapping year, from top to bottom: freeze, train, compare, decide, map, vectorise, load, draw, count, open."""

import datetime
import errno
from collections.abc import Callable

import structlog
from django.db import OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.errors import DiskFull

from bioccia.errors import BiocciaError
from habitats import mapping, retraining
from ml import actions
from ml.compute.errors import ComputeError
from ml.errors import DecisionAwaitedError, RunLostError, RunStoppedError
from ml.models import Run
from ml.run_session import RunSession, Step, working_on
from ml.states import RunKind
from ml.storage import remove_work_dir

logger = structlog.get_logger(__name__)

TRAINING_STEPS: tuple[tuple[str, Step, float], ...] = (
    ("freeze", retraining.freeze, 1),
    ("train", retraining.train, 12),
    ("compare", retraining.compare, 4),
    ("decide", retraining.decide, 1),
)
MAPPING_STEPS: tuple[tuple[str, Step, float], ...] = (
    ("map_by_windows", mapping.map_by_windows, 30),
    ("vectorise", mapping.vectorise, 20),
    ("load", mapping.load, 12),
    ("draw_low_zooms", mapping.draw_low_zooms, 4),
    ("count_by_territory", mapping.count_by_territory, 4),
    ("open_vintage", mapping.open_vintage, 1),
)
STEPS_OF_KIND: dict[str, tuple[tuple[str, Step, float], ...]] = {
    RunKind.TRAINING: TRAINING_STEPS,
    RunKind.MAPPING: MAPPING_STEPS,
    RunKind.YEAR: TRAINING_STEPS + MAPPING_STEPS,
}


def play_run(run_id: int, *, now: Callable[[], datetime.datetime] = timezone.now) -> None:
    """Play a run from where it stands to its end, its failure, or the decision it needs.

    Safe to call twice: where another worker holds the run, nothing is done.

    Args:
        run_id: primary key of the run.
        now: the clock; the demonstration has its own.
    """
    with working_on(run_id, now=now) as session:
        if session is not None:
            _play(session)


def _play(session: RunSession) -> None:
    run = session.run
    try:
        session.play(STEPS_OF_KIND[run.kind])
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
        remove_work_dir(run)


def _is_full_disk(error: OSError | OperationalError) -> bool:
    """Whether the disk of the files, or the one of the database, is full."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(error.__cause__, DiskFull)


def result_of(session: RunSession) -> dict[str, int | None]:
    """What a finished run made."""
    run = Run.objects.select_related("version").get(pk=session.run.pk)
    return {
        "version": run.version.number if run.version else None,
        "vintage": session.outputs.get("open_vintage", {}).get("vintage"),
        "polygons": session.outputs.get("load", {}).get("polygons"),
    }
