"""Every write about runs. The row is the truth; whoever works on it proves it by the attempt it holds."""

import datetime
from collections.abc import Mapping
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError, StateForbidsError
from ml.errors import RunLostError, RunOpenError
from ml.models import Run, RunStep
from ml.states import ENGINEERS_RIGHT, RIGHT_OF_KIND, RUN_MOVES, Mode, RunKind, RunState, StepState
from territories.models import Region, User
from territories.permissions import may_everywhere, require_everywhere

logger = structlog.get_logger(__name__)
LARGEST_SEED = 2**31 - 1


def request_run(
    *, region: Region, year: int, kind: RunKind, at: datetime.datetime, by: User | None, **options: Any
) -> Run:
    """Make the row of a run; the caller rings the bell after commit.

    Args:
        region: the region to map.
        year: one of its years with a stack.
        kind: what to do.
        at: the moment.
        by: who asks; None is the operator at the machine's console.
        **options: `mode`, `seed`, `parameters` (`decision`: "gate" or "person"; `version`: for a mapping alone).

    Raises:
        NotAllowedError: no mandate gives the right.
        InvalidFieldsError: the region has no stack for the year, or an option is out of range.
        RunOpenError: another run of the region is open.
    """
    parameters = dict(options.get("parameters") or {})
    if by is not None:
        require_everywhere(by, RIGHT_OF_KIND.get(kind, ENGINEERS_RIGHT), on=at.date())
        if parameters.get("decision") == "gate":
            require_everywhere(by, "decide_version", on=at.date())
    _check_run_fields(region, year, options)
    try:
        with transaction.atomic():
            run = Run.objects.create(
                region=region,
                year=year,
                kind=kind,
                mode=options.get("mode", Mode.ACCURATE),
                seed=options.get("seed", 0),
                parameters=parameters,
                requested_by=by,
                created_at=at,
                version_id=parameters.get("version"),
            )
    except IntegrityError as error:
        if "run_one_open_per_region" not in str(error):
            raise
        raise RunOpenError(
            _("Another run of this region is not finished. Wait for its end, or stop it first.")
        ) from error
    logger.info("run requested", run=run.pk, kind=kind, year=year, by=by and by.pk)
    return run


def _check_run_fields(region: Region, year: int, options: Mapping[str, Any]) -> None:
    fields: dict[str, Any] = {}
    if year not in region.years:
        years = ", ".join(map(str, region.years))
        fields["year"] = _("No predictors for this year; the region has %(years)s.") % {"years": years}
    if options.get("mode", Mode.ACCURATE) not in Mode.values:
        fields["mode"] = _("Choose accurate or frugal.")
    if not 0 <= options.get("seed", 0) <= LARGEST_SEED:
        fields["seed"] = _("A whole number from 0 to %(largest)s.") % {"largest": LARGEST_SEED}
    if fields:
        raise InvalidFieldsError(" ".join(str(sentence) for sentence in fields.values()), fields=fields)


@transaction.atomic
def claim_run(*, run_id: int, at: datetime.datetime) -> Run | None:
    """Start or resume a run: from now on only this attempt may write. None where there is nothing to do.

    Call it with the run's advisory lock held.
    """
    run = Run.objects.select_for_update().get(pk=run_id)
    if run.state not in RUN_MOVES["claim"][0]:
        return None
    if run.fruitless_starts >= settings.RUN_MAX_FRUITLESS_STARTS:
        _end(run, "fail", at, failure=_give_up_sentence(run))
        return None
    run.state = RUN_MOVES["claim"][1]
    run.attempt += 1
    run.fruitless_starts += 1
    run.started_at = run.started_at or at
    run.heartbeat_at = at
    run.save(update_fields=["state", "attempt", "fruitless_starts", "started_at", "heartbeat_at"])
    logger.info("run claimed", run=run.pk, attempt=run.attempt)
    return run


def _give_up_sentence(run: Run) -> str:
    last = f" ({run.failure})" if run.failure else ""
    return _(
        "Started %(count)s times without finishing a step%(last)s. Look for run %(run)s in the worker's log, "
        "then restart it from its page."
    ) % {"count": run.fruitless_starts, "last": last, "run": run.pk}


def note_heartbeat(*, run: Run, at: datetime.datetime, **progress: Any) -> bool:
    """Say that the attempt lives, and where it stands.

    Args:
        run: the run, as claimed.
        at: the moment.
        **progress: `progress` (0 to 1), `message`, `step`, `done`, `total`.

    Returns:
        Whether somebody asked it to stop.

    Raises:
        RunLostError: the run is no longer this attempt's.
    """
    mine = Run.objects.filter(pk=run.pk, attempt=run.attempt, state=RunState.RUNNING)
    if not mine.update(heartbeat_at=at, progress=progress["progress"], message=progress["message"][:500]):
        raise RunLostError(f"run {run.pk} is no longer attempt {run.attempt}'s")
    RunStep.objects.filter(run=run, name=progress["step"], state=StepState.RUNNING).update(
        done=progress["done"], total=progress["total"]
    )
    return mine.filter(stop_requested_at__isnull=False).exists()


@transaction.atomic
def start_step(*, run: Run, name: str, position: int) -> RunStep:
    """Mark a step as begun; a step begun before and not finished begins again."""
    _hold(run)
    step, _created = RunStep.objects.update_or_create(
        run=run, name=name, defaults={"position": position, "state": StepState.RUNNING, "done": 0, "total": 0}
    )
    return step


def finish_step(*, run: Run, name: str, outputs: Mapping[str, Any], measured: Mapping[str, float]) -> None:
    """Mark a step as finished, in the transaction of what it wrote.

    Args:
        run: the run, as claimed.
        name: the step.
        outputs: what the next steps need; JSON.
        measured: `seconds`, `cpu_seconds`, `energy_wh`, `peak_rss_mb`.

    Raises:
        RunLostError: the run is no longer this attempt's; the transaction is rolled back with it.
    """
    held = _hold(run)
    RunStep.objects.filter(run=run, name=name).update(
        state=StepState.FINISHED,
        outputs=dict(outputs),
        seconds=measured["seconds"],
        cpu_seconds=measured["cpu_seconds"],
        energy_wh=measured["energy_wh"],
    )
    Run.objects.filter(pk=run.pk).update(
        fruitless_starts=0,
        failure="",
        cpu_seconds=F("cpu_seconds") + measured["cpu_seconds"],
        energy_wh=F("energy_wh") + measured["energy_wh"],
        energy_method="estimated",
        peak_rss_mb=max(held.peak_rss_mb, measured["peak_rss_mb"]),
    )


def note_help(*, run: Run, measured: Mapping[str, float]) -> None:
    """Add what a helper spent on a run to what the run costs.

    Args:
        run: the run that was helped.
        measured: `cpu_seconds`, `energy_wh`.
    """
    spent = {key: F(key) + measured[key] for key in ("cpu_seconds", "energy_wh")}
    Run.objects.filter(pk=run.pk).update(**spent)


def _hold(run: Run) -> Run:
    """Lock the row to the end of the transaction, if it is still this attempt's."""
    held = Run.objects.select_for_update().get(pk=run.pk)
    if held.attempt != run.attempt or held.state != RunState.RUNNING:
        raise RunLostError(f"run {run.pk} is no longer attempt {run.attempt}'s")
    return held


@transaction.atomic
def finish_run(*, run: Run, at: datetime.datetime, result: Mapping[str, Any]) -> None:
    """The work is done."""
    held = _hold(run)
    held.progress, held.result, held.message = 1.0, dict(result), ""
    _end(held, "finish", at)


@transaction.atomic
def fail_run(*, run: Run, at: datetime.datetime, reason: str) -> None:
    """The work cannot be done; the reason is for a person."""
    _end(_hold(run), "fail", at, failure=reason)


@transaction.atomic
def stop_run(*, run: Run, at: datetime.datetime) -> None:
    """The worker has seen that it was asked to stop."""
    _end(_hold(run), "stop", at)


@transaction.atomic
def await_decision(*, run: Run, at: datetime.datetime) -> None:
    """The run waits for a person to approve or reject its candidate, unless somebody has asked it to stop."""
    held = _hold(run)
    if held.stop_requested_at is not None:
        _end(held, "stop", at)
        return
    held.state = RUN_MOVES["wait"][1]
    held.save(update_fields=["state"])


def _end(run: Run, move: str, at: datetime.datetime, *, failure: str = "") -> None:
    run.state = RUN_MOVES[move][1]
    run.ended_at, run.failure = at, failure
    run.save(update_fields=["state", "ended_at", "failure", "progress", "result", "message"])
    logger.info("run ended", run=run.pk, state=run.state, failure=failure)


@transaction.atomic
def request_stop(*, run: Run, by: User, at: datetime.datetime) -> Run:
    """Ask a run to stop: at once where nobody works on it, at its next window where somebody does.

    Raises:
        NotAllowedError: neither `run_models` nor `stop_runs`.
        StateForbidsError: the run has ended.
    """
    if not may_everywhere(by, "stop_runs", on=at.date()):
        require_everywhere(by, "run_models", on=at.date())
    held = Run.objects.select_for_update().get(pk=run.pk)
    if held.state not in RUN_MOVES["stop"][0]:
        raise StateForbidsError(_("Run %(run)s has already ended.") % {"run": held.pk})
    held.stop_requested_at = at
    held.save(update_fields=["stop_requested_at"])
    if held.state != RunState.RUNNING:
        _end(held, "stop", at)
    logger.info("run asked to stop", run=held.pk, by=by.pk)
    return held


def requeue_run(*, run: Run, by: User, at: datetime.datetime) -> Run:
    """Start a failed or stopped run again: the steps it had finished stay finished.

    Raises:
        NotAllowedError: no `run_models`; for a publication, no `release`.
        StateForbidsError: it has not ended, or it ended well.
        RunOpenError: another run of the region is open.
    """
    require_everywhere(by, RIGHT_OF_KIND.get(run.kind, ENGINEERS_RIGHT), on=at.date())
    try:
        with transaction.atomic():
            held = Run.objects.select_for_update().get(pk=run.pk)
            if held.state not in (RunState.FAILED, RunState.STOPPED):
                raise StateForbidsError(_("Only a failed or a stopped run can be started again."))
            requeue(held)
    except IntegrityError as error:
        raise RunOpenError(
            _("Another run of this region is not finished. Wait for its end, or stop it first.")
        ) from error
    logger.info("run requeued", run=held.pk, by=by.pk)
    return held


def requeue(held: Run) -> None:
    """Put a locked row back in the queue, fresh."""
    held.state = RUN_MOVES["requeue"][1]
    held.stop_requested_at = held.heartbeat_at = held.ended_at = None
    held.fruitless_starts, held.failure = 0, ""
    held.save()


def note_rung(*, run: Run, at: datetime.datetime) -> bool:
    """Note that the bell was rung again for a silent run; False if someone was quicker."""
    return bool(Run.objects.filter(pk=run.pk, heartbeat_at=run.heartbeat_at, state=run.state).update(heartbeat_at=at))
