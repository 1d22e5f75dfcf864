"""Doorbells: ids in, one call, safe twice."""

from celery import current_app, shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from bioccia import health
from ml import actions, queries
from ml.models import Run


def ring(run: Run) -> None:
    """Ask a worker to play the run, after the commit of whatever made it playable.

    A broker that is down refuses nothing: the row is there, the failure is logged, and the dispatcher rings again.
    """
    transaction.on_commit(lambda: current_app.send_task(settings.RUN_TASKS[run.kind], [run.pk]), robust=True)


@shared_task(name="ml.dispatch_runs")
def dispatch_runs() -> None:
    """Ring again for runs that have fallen silent."""
    now = timezone.now()
    for run in queries.runs_to_ring(now):
        if actions.note_rung(run=run, at=now):
            ring(run)
    for run in queries.runs_to_help():
        call_helpers(run)


def call_helpers(run: Run) -> None:
    """Ask whoever is free to share the step that the run is at; a call that nobody hears is forgotten."""
    for _helper in range(settings.RUN_HELPERS):
        current_app.send_task(settings.RUN_HELP_TASKS[run.kind], [run.pk], expires=settings.RUN_CALL_SECONDS)


@shared_task(name="ml.note_worker")
def note_worker() -> None:
    """A worker that plays this lives: `/readyz` reads it."""
    health.note_worker(timezone.now().timestamp())
