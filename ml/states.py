"""States of runs and of model versions, and the one table of moves of each."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class RunKind(TextChoices):
    """What a run does."""

    YEAR = "year", _("mapping year")
    TRAINING = "training", _("training")
    MAPPING = "mapping", _("mapping")
    ABLATION = "ablation", _("what reports brought")
    PUBLICATION = "publication", _("publication of a release")


# The right that asks for a run and starts it again; the others are the model engineer's.
RIGHT_OF_KIND: dict[str, str] = {RunKind.PUBLICATION: "release"}
ENGINEERS_RIGHT = "run_models"


class RunState(TextChoices):
    """Where a run stands."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    AWAITING_DECISION = "awaiting_decision", _("awaiting a decision")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")
    STOPPED = "stopped", _("stopped")


OPEN_RUN_STATES = (RunState.QUEUED, RunState.RUNNING, RunState.AWAITING_DECISION)

RUN_MOVES: dict[str, tuple[tuple[RunState, ...], RunState]] = {
    "claim": ((RunState.QUEUED, RunState.RUNNING), RunState.RUNNING),
    "wait": ((RunState.RUNNING,), RunState.AWAITING_DECISION),
    "requeue": ((RunState.AWAITING_DECISION, RunState.FAILED, RunState.STOPPED), RunState.QUEUED),
    "finish": ((RunState.RUNNING, RunState.AWAITING_DECISION), RunState.FINISHED),
    "fail": ((RunState.QUEUED, RunState.RUNNING), RunState.FAILED),
    "stop": (OPEN_RUN_STATES, RunState.STOPPED),
}


class StepState(TextChoices):
    """Where one step of a run stands."""

    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")


class VersionState(TextChoices):
    """Where a model version stands."""

    CANDIDATE = "candidate", _("candidate")
    APPROVED = "approved", _("approved")
    REJECTED = "rejected", _("rejected")


VERSION_MOVES: dict[str, tuple[tuple[VersionState, ...], VersionState]] = {
    "approve": ((VersionState.CANDIDATE,), VersionState.APPROVED),
    "reject": ((VersionState.CANDIDATE,), VersionState.REJECTED),
}


class Mode(TextChoices):
    """How much computing the model may spend."""

    ACCURATE = "accurate", _("accurate")
    FRUGAL = "frugal", _("frugal")
