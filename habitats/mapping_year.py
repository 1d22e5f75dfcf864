"""The mapping year: freeze, train, compare, decide, map, weigh, vectorise, load, bind, draw, count, open."""

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from django.utils import timezone

from habitats import binding, learning, mapping, retraining, weighing
from ml.models import Run
from ml.run_session import RunSession, Step, play_to_its_end, working_on
from ml.states import RunKind

TRAINING_STEPS: tuple[tuple[str, Step, float], ...] = (
    ("freeze", retraining.freeze, 1),
    ("train", retraining.train, 12),
    ("compare", retraining.compare, 4),
    ("decide", retraining.decide, 1),
)
MAPPING_STEPS: tuple[tuple[str, Step, float], ...] = (
    ("map_by_windows", mapping.map_by_windows, 30),
    ("weigh_years", weighing.weigh_years, 3),
    ("vectorise", mapping.vectorise, 20),
    ("load", mapping.load, 12),
    ("bind_corrections", binding.bind_corrections, 6),
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
            play_to_its_end(session, steps_of(session.run), result_of)


def steps_of(run: Run) -> tuple[tuple[str, Step, float], ...]:
    """The steps that a run is made of."""
    return learning.ablation_steps(run) if run.kind == RunKind.ABLATION else STEPS_OF_KIND[run.kind]


def result_of(session: RunSession) -> Mapping[str, Any]:
    """What a finished run made."""
    if session.run.kind == RunKind.ABLATION:
        return session.outputs["conclude"]
    run = Run.objects.select_related("version").get(pk=session.run.pk)
    return {
        "version": run.version.number if run.version else None,
        "vintage": session.outputs.get("open_vintage", {}).get("vintage"),
        "polygons": session.outputs.get("bind_corrections", {}).get("polygons"),
    }
