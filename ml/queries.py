"""Questions about runs."""

import datetime

from django.conf import settings
from django.db.models import QuerySet

from ml.models import Run
from ml.states import RunState


def runs_to_ring(at: datetime.datetime) -> QuerySet[Run]:
    """Runs that should be worked on and that nobody has heard of for a while; queued ones never rung come too."""
    return Run.objects.silent_since(at - datetime.timedelta(seconds=settings.RUN_SILENT_SECONDS))


def open_run() -> Run | None:
    """The one open run of this database's region."""
    return Run.objects.open().first()


def seconds_waiting(run: Run, at: datetime.datetime) -> float | None:
    """Since when a running run has been silent, in seconds; None when it is not running."""
    if run.state != RunState.RUNNING or run.heartbeat_at is None:
        return None
    return (at - run.heartbeat_at).total_seconds()
