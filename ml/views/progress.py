"""Where a run stands, in words and shares, as its page shows it."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.models import Run, RunStep
from ml.queries import seconds_waiting
from ml.states import OPEN_RUN_STATES, RunKind, RunState, StepState

TRAINING_WORDS = {
    "freeze": gettext_lazy("Freeze the samples"),
    "train": gettext_lazy("Train the model"),
    "compare": gettext_lazy("Compare with the current version"),
    "decide": gettext_lazy("Approve or reject"),
}
MAPPING_WORDS = {
    "map_by_windows": gettext_lazy("Map by windows"),
    "weigh_years": gettext_lazy("Weigh with the year before"),
    "vectorise": gettext_lazy("Draw the polygons"),
    "load": gettext_lazy("Load the polygons"),
    "bind_corrections": gettext_lazy("Take over the earlier corrections"),
    "draw_low_zooms": gettext_lazy("Draw the low zooms"),
    "count_by_territory": gettext_lazy("Count areas by territory"),
    "open_vintage": gettext_lazy("Show the vintage"),
}
PUBLICATION_WORDS = {
    "burn_corrections": gettext_lazy("Burn the corrections into the rasters"),
    "redraw_low_zooms": gettext_lazy("Draw the low zooms of the corrected map"),
    "recount_territories": gettext_lazy("Count areas of the corrected map"),
    "write_polygons": gettext_lazy("Write the polygons"),
    "write_rasters": gettext_lazy("Write the rasters"),
    "write_tiles": gettext_lazy("Write the tiles"),
    "write_changes": gettext_lazy("Write what changed"),
    "write_accuracy": gettext_lazy("Write the accuracy"),
    "write_card": gettext_lazy("Write the card of the model"),
    "publish": gettext_lazy("Publish"),
}
DEFAULT_PAIRS = 5
# The stories that play the steps stand in an app above this one; here are their names for people.
WORDS_OF_KIND = {
    RunKind.TRAINING: TRAINING_WORDS,
    RunKind.MAPPING: MAPPING_WORDS,
    RunKind.YEAR: {**TRAINING_WORDS, **MAPPING_WORDS},
    RunKind.PUBLICATION: PUBLICATION_WORDS,
}
STATE_TAGS = {
    RunState.QUEUED: "wait",
    RunState.RUNNING: "live",
    RunState.AWAITING_DECISION: "wait",
    RunState.FINISHED: "good",
    RunState.FAILED: "bad",
    RunState.STOPPED: "plain",
}
STEP_TAGS = {StepState.WAITING: "plain", StepState.RUNNING: "live", StepState.FINISHED: "good"}
# Below this share the time left would be a guess drawn from the first seconds.
LEAST_SHARE_TO_FORETELL = 0.05
SILENT_SECONDS_TO_SAY = 15.0
MINUTE = 60
NO_BREAK_SPACE = "\xa0"


@dataclass(frozen=True)
class StepLine:
    """One line of the table of steps."""

    step: RunStep
    label: str
    tag: str

    @property
    def percent(self) -> int:
        """Done, 0 to 100."""
        if self.step.state == StepState.FINISHED:
            return 100
        return round(100 * self.step.done / self.step.total) if self.step.total else 0

    @property
    def is_running(self) -> bool:
        """Whether it is being played."""
        return self.step.state == StepState.RUNNING

    @property
    def is_countable(self) -> bool:
        """Whether it has parts worth telling (windows, tiles), and not only a beginning and an end."""
        return self.is_running and self.step.total > 1


@dataclass(frozen=True)
class RunProgress:
    """A run seen at a moment."""

    run: Run
    at: datetime.datetime

    @property
    def percent(self) -> int:
        """Of the whole run, 0 to 100."""
        return round(100 * self.run.progress)

    @property
    def tag(self) -> str:
        """The kind of tag of its state."""
        return STATE_TAGS[RunState(self.run.state)]

    @property
    def is_open(self) -> bool:
        """Whether something may still change without anybody asking."""
        return self.run.state in OPEN_RUN_STATES

    @property
    def is_running(self) -> bool:
        """Whether a worker has it."""
        return self.run.state == RunState.RUNNING

    @property
    def can_be_requeued(self) -> bool:
        """Whether it may start again."""
        return self.run.state in (RunState.FAILED, RunState.STOPPED)

    @cached_property
    def steps(self) -> list[StepLine]:
        """The steps in order, those that have not begun included."""
        begun = {step.name: step for step in self.run.steps.order_by("position")}
        words = words_of(self.run)
        planned = [begun.pop(name) if name in begun else RunStep(run=self.run, name=name) for name in words]
        return [
            StepLine(step, str(words.get(step.name, step.name)), STEP_TAGS[StepState(step.state)])
            for step in [*planned, *begun.values()]
        ]

    @cached_property
    def current_step(self) -> StepLine | None:
        """The step being played."""
        return next((line for line in self.steps if line.is_running), None) if self.is_running else None

    @property
    def elapsed(self) -> str:
        """Since the first start, to the end or to now."""
        if self.run.started_at is None:
            return ""
        return duration_words(((self.run.ended_at or self.at) - self.run.started_at).total_seconds())

    @property
    def left(self) -> str:
        """What remains at the pace so far; empty when it cannot be said."""
        share = self.run.progress
        if not self.is_running or self.run.started_at is None or share < LEAST_SHARE_TO_FORETELL:
            return ""
        elapsed = (self.at - self.run.started_at).total_seconds()
        return duration_words(elapsed * (1 - share) / share)

    @property
    def last_sign(self) -> str:
        """Since the last heartbeat of a running run."""
        seconds = seconds_waiting(self.run, self.at)
        return "" if seconds is None else duration_words(seconds)

    @property
    def silence(self) -> str:
        """How long a running run has been silent, when it is worth saying."""
        seconds = seconds_waiting(self.run, self.at)
        return duration_words(seconds) if seconds and seconds > SILENT_SECONDS_TO_SAY else ""

    @property
    def announcement(self) -> str:
        """One sentence for screen readers: it changes with the step, not with each percent."""
        words: dict[str, Any] = {"run": str(self.run), "state": self.run.get_state_display()}
        if self.current_step:
            return _("%(run)s: %(state)s, %(step)s") % {**words, "step": self.current_step.label}
        return _("%(run)s: %(state)s") % words


def words_of(run: Run) -> Mapping[str, Any]:
    """The steps of a run in order, and their names for people."""
    if run.kind != RunKind.ABLATION:
        return WORDS_OF_KIND[RunKind(run.kind)]
    pairs = int(run.parameters.get("seeds", DEFAULT_PAIRS))
    words: dict[str, Any] = {
        f"pair_{place}": _("Train with and without the reports, %(place)d of %(pairs)d")
        % {"place": place, "pairs": pairs}
        for place in range(1, pairs + 1)
    }
    return {**words, "conclude": _("Compare")}


def duration_words(seconds: float) -> str:
    """A duration in the words of the page, never cut at the end of a line: "42 s", "3 min 05 s", "2 h 10 min"."""
    minutes, rest = divmod(max(0, round(seconds)), MINUTE)
    hours, minutes = divmod(minutes, MINUTE)
    if hours:
        words = _("%(hours)d h %(minutes)02d min") % {"hours": hours, "minutes": minutes}
    elif minutes:
        words = _("%(minutes)d min %(seconds)02d s") % {"minutes": minutes, "seconds": rest}
    else:
        words = _("%(seconds)d s") % {"seconds": rest}
    return words.replace(" ", NO_BREAK_SPACE)
