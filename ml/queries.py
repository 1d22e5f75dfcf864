"""Questions about runs and model versions."""

import datetime

from django.conf import settings
from django.db.models import QuerySet

from ml.models import ModelVersion, Run
from ml.states import RunState, VersionState
from territories.permissions import Person, may


def runs_to_ring(at: datetime.datetime) -> QuerySet[Run]:
    """Runs that should be worked on and that nobody has heard of for a while; queued ones never rung come too."""
    return Run.objects.silent_since(at - datetime.timedelta(seconds=settings.RUN_SILENT_SECONDS))


def runs_to_help() -> QuerySet[Run]:
    """Runs at work on a step that several workers may share, where the platform has been given helpers."""
    if not settings.RUN_HELPERS or not settings.MAP_SHARED_URL:
        return Run.objects.none()
    return Run.objects.filter(state=RunState.RUNNING, kind__in=settings.RUN_HELP_TASKS).at_step(settings.SHARED_STEP)


def open_run() -> Run | None:
    """The one open run of this database's region."""
    return Run.objects.open().first()


def seconds_waiting(run: Run, at: datetime.datetime) -> float | None:
    """Since when a running run has been silent, in seconds; None when it is not running."""
    if run.state != RunState.RUNNING or run.heartbeat_at is None:
        return None
    return (at - run.heartbeat_at).total_seconds()


def may_follow_runs(person: Person, on: datetime.date) -> bool:
    """Whether the person works with runs: starts them, stops them or decides what they made."""
    return any(may(person, right, on=on) for right in ("run_models", "stop_runs", "decide_version"))


def runs_visible_to(person: Person, on: datetime.date) -> QuerySet[Run]:
    """All runs for those who work with them; finished ones for everybody."""
    runs = Run.objects.select_related("region", "version", "requested_by").defer("region__footprint")
    return runs if may_follow_runs(person, on) else runs.filter(state=RunState.FINISHED)


def versions_visible_to(person: Person, on: datetime.date) -> QuerySet[ModelVersion]:
    """All versions for those who work with runs or samples; approved ones for everybody."""
    versions = ModelVersion.objects.select_related("training_set", "artefact", "compared_with")
    if may_follow_runs(person, on) or may(person, "see_samples", on=on):
        return versions
    return versions.filter(state=VersionState.APPROVED)
