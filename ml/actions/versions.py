"""Every write about training sets and model versions."""

import datetime
from collections.abc import Mapping
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bioccia.errors import InvalidFieldsError, StateForbidsError
from ml.actions.runs import requeue
from ml.models import Artefact, ModelVersion, Run, TrainingSet
from ml.states import RUN_MOVES, VERSION_MOVES, RunState
from territories.models import User
from territories.permissions import require_everywhere

logger = structlog.get_logger(__name__)


def freeze_training_set(
    *, year: int, artefact: Artefact, counts: Mapping[str, Any], sample_count: int, at: datetime.datetime
) -> TrainingSet:
    """Keep the rows that a training will see; the same rows are the same set."""
    training_set, _created = TrainingSet.objects.get_or_create(
        sha256=artefact.sha256,
        defaults={
            "year": year,
            "artefact": artefact,
            "counts": dict(counts),
            "sample_count": sample_count,
            "frozen_at": at,
        },
    )
    return training_set


def record_version(*, run: Run, training_set: TrainingSet, artefact: Artefact, **card: Any) -> ModelVersion:
    """Write the card of a candidate, numbered after the last one, in the caller's transaction.

    Args:
        run: the run that trained it.
        training_set: what it learned from.
        artefact: its file.
        **card: `code_version`, `parameters`, `metrics`, `train_seconds`, `train_cpu_seconds`, `energy_wh`,
            `energy_method`, `created_at`.
    """
    last = ModelVersion.objects.aggregate(last=Max("number"))["last"] or 0
    version = ModelVersion.objects.create(
        number=last + 1,
        year=run.year,
        mode=run.mode,
        seed=run.seed,
        training_set=training_set,
        artefact=artefact,
        **card,
    )
    Run.objects.filter(pk=run.pk).update(version=version)
    return version


def record_comparison(*, version: ModelVersion, current: ModelVersion | None, comparison: Mapping[str, Any]) -> None:
    """Keep how a candidate did beside the current version on the same blocks."""
    version.compared_with, version.comparison = current, dict(comparison)
    version.save(update_fields=["compared_with", "comparison"])


def approve_version(*, version: ModelVersion, by: User, reason: str, at: datetime.datetime) -> ModelVersion:
    """Let a candidate map; the run that waited for it goes back to the queue.

    Raises:
        NotAllowedError: no `decide_version`.
        InvalidFieldsError: no reason.
        StateForbidsError: it is not a candidate any more.
    """
    return _decide(version, "approve", by=by, reason=reason, at=at)


def reject_version(*, version: ModelVersion, by: User, reason: str, at: datetime.datetime) -> ModelVersion:
    """Refuse a candidate; the run that waited for it ends.

    Raises:
        NotAllowedError: no `decide_version`.
        InvalidFieldsError: no reason.
        StateForbidsError: it is not a candidate any more.
    """
    return _decide(version, "reject", by=by, reason=reason, at=at)


@transaction.atomic
def decide_by_gate(*, version: ModelVersion, run: Run, at: datetime.datetime) -> bool:
    """Decide by the rule fixed beforehand, in the name of whoever asked for the run with that rule.

    Returns:
        Whether the candidate is approved: not worse than the current version beyond the tolerance.
    """
    verdict = version.comparison.get("verdict", "first")
    if version.decided_at is not None:
        return version.state == VERSION_MOVES["approve"][1]
    move = "reject" if verdict == "worse" else "approve"
    _write_decision(version, move, by=run.requested_by, reason=_gate_sentence(version, verdict), at=at)
    return move == "approve"


def approve_at_console(*, version: ModelVersion, at: datetime.datetime) -> None:
    """Let a candidate map because the operator at the machine's console asked for its map."""
    reason = _("Mapped at the console. %(gate)s") % {
        "gate": _gate_sentence(version, version.comparison.get("verdict", "first"))
    }
    _write_decision(version, "approve", by=None, reason=reason, at=at)


def map_with_current(*, run: Run, candidate: ModelVersion) -> ModelVersion:
    """Give a run whose candidate was rejected the version that did better on the same blocks.

    Raises:
        StateForbidsError: the candidate was compared with none.
    """
    current = candidate.compared_with
    if current is None:
        raise StateForbidsError(
            _("Version %(number)s was rejected and there is no other version to map with: train again.")
            % {"number": candidate.number}
        )
    Run.objects.filter(pk=run.pk).update(version=current)
    return current


VERDICT_WORDS = {
    "first": gettext_lazy("first"),
    "better": gettext_lazy("better"),
    "equal": gettext_lazy("equal"),
    "worse": gettext_lazy("worse"),
}


def _gate_sentence(version: ModelVersion, verdict: str) -> str:
    scores = version.comparison.get("macro_f1") or {}
    if scores.get("current") is None:
        return _("By the gate's rule: no earlier version to compare with (macro-F1 %(candidate).3f).") % {
            "candidate": version.metrics.get("macro_f1") or 0.0
        }
    return _("By the gate's rule: macro-F1 %(candidate).3f against %(current).3f on the same blocks (%(verdict)s).") % {
        **scores,
        "verdict": VERDICT_WORDS[verdict],
    }


def _decide(version: ModelVersion, move: str, *, by: User, reason: str, at: datetime.datetime) -> ModelVersion:
    require_everywhere(by, "decide_version", on=at.date())
    if not reason.strip():
        sentence = _("Say why, in a sentence: it stays on the version's card.")
        raise InvalidFieldsError(sentence, fields={"reason": sentence})
    with transaction.atomic():
        held = ModelVersion.objects.select_for_update().get(pk=version.pk)
        if held.state not in VERSION_MOVES[move][0]:
            raise StateForbidsError(_("Version %(number)s has already been decided.") % {"number": held.number})
        _write_decision(held, move, by=by, reason=reason.strip(), at=at)
        _release_waiting_run(held, move, at)
    return held


def _write_decision(version: ModelVersion, move: str, *, by: User | None, reason: str, at: datetime.datetime) -> None:
    version.state = VERSION_MOVES[move][1]
    version.decided_by, version.decided_at, version.reason = by, at, reason
    version.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    logger.info("version decided", version=version.number, move=move, by=by and by.pk)


def _release_waiting_run(version: ModelVersion, move: str, at: datetime.datetime) -> None:
    waiting = Run.objects.select_for_update().filter(version=version, state=RunState.AWAITING_DECISION).first()
    if waiting is None:
        return
    if move == "approve":
        requeue(waiting)
        return
    waiting.state, waiting.ended_at = RUN_MOVES["finish"][1], at
    waiting.result = {"version": version.number, "decision": "rejected"}
    waiting.save(update_fields=["state", "ended_at", "result"])
