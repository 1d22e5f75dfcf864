"""Learning a class map from samples on a stack, read top to bottom."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from ml.compute.candidates import (
    KEPT_FEATURES,
    REFERENCE,
    Built,
    Kind,
    Teaching,
    Trial,
    build_candidate,
    choose_candidate,
    try_candidates,
)
from ml.compute.classmaps import class_values, with_more_codes
from ml.compute.cross_validation import MOST_CELLS as MOST_JUDGED
from ml.compute.cross_validation import cross_validate, few_of_each, forest_learner
from ml.compute.errors import SampleError
from ml.compute.extraction import extract_features
from ml.compute.features import Levels, bind_recipe
from ml.compute.forest import PackedForest
from ml.compute.grids import Grid
from ml.compute.growing import ForestSetting, TrainingCells
from ml.compute.hierarchy import Hierarchy
from ml.compute.model_files import TrainedModel, load_model, save_model
from ml.compute.rare_classes import learned_codes
from ml.compute.recipes import draw_recipe, survey_stack
from ml.compute.region.legend import LegendRow
from ml.compute.samples import BLOCK_CELLS, blocks_of, cells_of_samples, learning_cells, training_rows
from ml.compute.selection import Selection, hold_out, select_setting
from ml.compute.self_assessment import SelfAssessment, assess_itself
from ml.compute.stacks import Stack, open_stack
from ml.compute.vectors import in_crs
from ml.compute.views import Scene, View

__all__ = ["TrainedModel", "TrainingOptions", "load_model", "save_model", "train_model"]

Mode = Literal["accurate", "frugal"]
MODES: tuple[Mode, ...] = ("accurate", "frugal")
TREES: dict[Kind, int] = {"forest": 100, "lean forest": 64, "plain forest": 64, "small forest": 40}
# More trees steady the map of a small, little sampled region, and cost little there: up to so many,
# as long as trees x cells of the map stays under the budget.
MOST_TREES = 300
WALK_BUDGET = 400_000_000
# Macro-F1 that a cheaper candidate may lose to the best one.
TOLERANCE: dict[Mode, float] = {"accurate": 0.003, "frugal": 0.02}
# On smaller maps nothing is worth saving, and there are too few unlabelled cells to teach a network.
LARGE_MAP_CELLS = 500_000
# Beyond this many cells the forest grows slower and hardly better; large polygons are thinned first.
MOST_CELLS = 60_000
FEWEST_CLASSES = 2


@dataclass(frozen=True)
class TrainingOptions:
    """How to learn.

    Attributes:
        field: column of the class codes.
        group: column whose equal values never stand on both sides of a split; None for spatial blocks.
        mode: `accurate` for a forest, `frugal` for a network taught by it, or a smaller forest where that is better.
        seed: of every draw.
        legend: order and colours of the classes; empty for alphabetical order and invented colours.
    """

    field: str = "code"
    group: str | None = None
    mode: Mode = "accurate"
    seed: int = 0
    legend: tuple[LegendRow, ...] = ()


@dataclass(frozen=True)
class _Lesson:
    """Cells under the training samples: place in the grid, row of the sample, code, group and weight of each."""

    places: NDArray[np.intp]
    samples: NDArray[np.intp]
    codes: NDArray[np.object_]
    groups: NDArray[np.intp]
    weights: NDArray[np.float64]

    def at(self, chosen: NDArray[Any]) -> "_Lesson":
        return _Lesson(*(getattr(self, one.name)[chosen] for one in fields(self)))


def train_model(
    stack_paths: Sequence[Path], samples: gpd.GeoDataFrame, *, options: TrainingOptions | None = None
) -> TrainedModel:
    """Learn from the samples that may train; test samples and their cells are never looked at.

    Args:
        stack_paths: rasters on one grid.
        samples: as `read_sample_file` returns them; a column `weight` is honoured where present.
        options: how to learn.

    Returns:
        The model, with a report of what was learned from what and the scores over held-out blocks.

    Raises:
        ComputeError: the stack or the samples cannot be used.
    """
    options = options or TrainingOptions()
    stack = open_stack(stack_paths)
    samples = in_crs(samples, CRS.from_user_input(stack.grid.crs))
    lesson = _thinned(_lesson(samples, stack.grid, options), options.seed)
    hierarchy = Hierarchy.of_legend(options.legend)
    scene, lesson, codes, notices = _scene(stack, lesson, hierarchy)
    selection = select_setting(scene.full.cells, seed=options.seed)
    knowledge = _assess(scene.full.cells, lesson, codes, selection.setting, hierarchy, options.seed)
    if options.mode == "frugal" and _is_large(stack.grid):
        hidden = cells_of_samples(samples[(samples["split"] == "test").to_numpy()], stack.grid)
        scene = scene.distillable(lesson.places, hidden.places(stack.grid.width), options.seed)
    teaching = Teaching(selection.setting, _trees(stack.grid), options.seed)
    choice = _choice(scene, teaching, options.mode, knowledge.calibration.sharpness)
    is_network = choice.kind == "network"
    built = build_candidate(choice.kind, scene, replace(teaching, sharpness=choice.sharpness if is_network else 1.0))
    used = sorted(set(samples[options.field].astype(str)))
    return TrainedModel(
        codes=codes,
        values=with_more_codes(class_values(used, [row.code for row in options.legend]), codes),
        colors={row.code: row.color for row in options.legend if row.code in {*used, *codes}},
        recipe=built.view.recipe,
        levels=built.view.levels,
        classifier=built.classifier,
        sharpness=1.0 if is_network else choice.sharpness,
        report=_report(stack, built, lesson, selection, options)
        | choice.as_json()
        | {"unlearned": sorted(set(used) - set(codes)), "notices": notices, "held_out": knowledge.report},
    )


def _lesson(samples: gpd.GeoDataFrame, grid: Grid, options: TrainingOptions) -> _Lesson:
    block_m = BLOCK_CELLS * grid.cell_width
    trains = training_rows(samples, block_m)
    learned = samples[trains].reset_index(drop=True)
    cells = learning_cells(learned, grid)
    codes = learned[options.field].astype(str).to_numpy(object)
    weights = _weights(learned)
    lesson = _Lesson(
        cells.places(grid.width),
        np.flatnonzero(trains)[cells.samples],
        codes[cells.samples],
        _groups(learned, options.group, block_m)[cells.samples],
        weights[cells.samples],
    )
    tests = cells_of_samples(samples[(samples["split"] == "test").to_numpy()], grid)
    return _without_contradictions(lesson.at(~np.isin(lesson.places, tests.places(grid.width))))


def _weights(samples: gpd.GeoDataFrame) -> NDArray[np.float64]:
    if "weight" not in samples:
        return np.ones(len(samples))
    weights = samples["weight"].to_numpy(float)
    wrong = ~(np.isfinite(weights) & (weights > 0))
    if wrong.any():
        row = int(wrong.argmax()) + 1
        raise SampleError(f"Training sample {row} has the weight {weights[wrong][0]}; write one above 0.")
    return weights


def _groups(samples: gpd.GeoDataFrame, column: str | None, block_m: float) -> NDArray[np.intp]:
    if column is None:
        keys = blocks_of(samples, block_m)
        return np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
    if column not in samples:
        raise SampleError(f"The samples have no column '{column}' to group by; add it or name another.")
    return np.unique(samples[column].astype(str).to_numpy(), return_inverse=True)[1].reshape(-1)


def _without_contradictions(lesson: _Lesson) -> _Lesson:
    """Each cell once; a cell under samples of different codes teaches nothing."""
    order = np.lexsort((lesson.codes.astype(str), lesson.places))
    places, codes = lesson.places[order], lesson.codes[order]
    _, first, counts = np.unique(places, return_index=True, return_counts=True)
    agreed = codes[first] == codes[first + counts - 1]
    return lesson.at(order[first[agreed]])


def _thinned(lesson: _Lesson, seed: int) -> _Lesson:
    """At most MOST_CELLS cells, the rare classes whole."""
    if lesson.places.size <= MOST_CELLS:
        return lesson
    shuffled = np.random.default_rng(seed).permutation(lesson.places.size)
    rank = np.empty(lesson.places.size, np.intp)
    for code in sorted(set(lesson.codes)):
        of_class = shuffled[lesson.codes[shuffled] == code]
        rank[of_class] = np.arange(of_class.size)
    # The first so many of each class: the rarer a class, the larger the share that it keeps.
    return lesson.at(np.sort(np.argsort(rank, kind="stable")[:MOST_CELLS]))


def _scene(stack: Stack, lesson: _Lesson, hierarchy: Hierarchy) -> tuple[Scene, _Lesson, tuple[str, ...], list[str]]:
    """All that the stack says of the sample cells, those that have data, their codes, and what to know of these."""
    surveys = survey_stack(stack)
    recipe = draw_recipe(stack, surveys)
    extraction = extract_features(stack, recipe, bind_recipe(recipe, stack, surveys), lesson.places)
    lesson, values = lesson.at(extraction.seen), extraction.values[extraction.seen]
    lesson, notices = _without_lonely_classes(lesson, hierarchy)
    codes = _learnable_codes(lesson, stack)
    levels = Levels.spanning(values)
    cells = _training_cells(lesson, levels.of_cells(values), codes)
    nothing = np.empty((0, len(recipe.features)), np.int16)
    return Scene(stack, surveys, View(recipe, levels, cells, nothing)), lesson, codes, notices


def _without_lonely_classes(lesson: _Lesson, hierarchy: Hierarchy) -> tuple[_Lesson, list[str]]:
    """The lesson with classes of a single sample at their parent, and what a person should know of it."""
    _, first = np.unique(lesson.samples, return_index=True)
    learned = learned_codes(lesson.codes[first].tolist(), hierarchy)
    codes = np.array([learned.of(code) for code in lesson.codes], object)
    return replace(lesson, codes=codes), learned.notices()


def _assess(
    cells: TrainingCells,
    lesson: _Lesson,
    codes: Sequence[str],
    setting: ForestSetting,
    hierarchy: Hierarchy,
    seed: int,
) -> SelfAssessment:
    """What a forest knows of its own faults, from a few cells of every sample."""
    judged = few_of_each(lesson.samples, most=MOST_JUDGED, seed=seed)
    held = cross_validate(cells.at(judged), forest_learner(setting, seed=seed), seed=seed)
    return assess_itself(held, lesson.samples[judged][held.places], codes, hierarchy)


def _learnable_codes(lesson: _Lesson, stack: Stack) -> tuple[str, ...]:
    codes = tuple(sorted(set(lesson.codes)))
    if len(codes) < FEWEST_CLASSES:
        found = ", ".join(codes) or "none"
        raise SampleError(
            f"{stack.paths[0]}: fewer than {FEWEST_CLASSES} classes have training samples on cells with data "
            f"(found: {found}); add samples, or check their projection and split."
        )
    return codes


def _training_cells(lesson: _Lesson, levels: NDArray[np.int16], codes: Sequence[str]) -> TrainingCells:
    place_of = {code: place for place, code in enumerate(codes)}
    classes = np.array([place_of[code] for code in lesson.codes], np.intp)
    return TrainingCells(levels, classes, lesson.groups, lesson.weights)


def _is_large(grid: Grid) -> bool:
    return grid.width * grid.height >= LARGE_MAP_CELLS


def _trees(grid: Grid) -> dict[Kind, int]:
    affordable = int(np.clip(WALK_BUDGET // (grid.width * grid.height), TREES["forest"], MOST_TREES))
    return {**TREES, "forest": affordable}


@dataclass(frozen=True)
class _Choice:
    """The candidate chosen, its sharpness, and the trials that decided; none where nothing can be held out."""

    kind: Kind
    sharpness: float
    trials: tuple[Trial, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "classifier": self.kind,
            "sharpness": self.sharpness,
            "candidates": [trial.as_json() | {"chosen": trial.kind == self.kind} for trial in self.trials],
        }


def _choice(scene: Scene, teaching: Teaching, mode: Mode, sharpness: float) -> _Choice:
    """Try what the mode allows on held-out blocks, beside what the other mode would take.

    Args:
        scene: what to learn from.
        teaching: how.
        mode: of the training.
        sharpness: of the forest, fitted on several folds.
    """
    eligible, tried = _kinds(scene, mode)
    held_out = hold_out(scene.full.cells, seed=teaching.seed)
    if held_out is None:
        return _Choice(eligible[0], sharpness, ())
    enough = {kind: min(trees, TREES["forest"]) for kind, trees in teaching.trees.items()}
    trials = try_candidates(tried, scene, replace(teaching, trees=enough), held_out)
    chosen = choose_candidate(trials, eligible, TOLERANCE[mode])
    return _Choice(chosen.kind, chosen.sharpness if chosen.kind == "network" else sharpness, tuple(trials))


def _kinds(scene: Scene, mode: Mode) -> tuple[tuple[Kind, ...], tuple[Kind, ...]]:
    """The candidates that may be chosen, and all that are tried: what the other mode would take is shown beside."""
    if mode == "frugal":
        eligible: tuple[Kind, ...] = ("small forest", "network") if scene.plain else ("small forest",)
        return eligible, ("forest", REFERENCE, *eligible) if scene.plain else ("forest", *eligible)
    has_many_features = len(scene.full.recipe.features) >= 2 * KEPT_FEATURES["lean forest"]
    eligible = ("forest", "lean forest") if _is_large(scene.stack.grid) and has_many_features else ("forest",)
    return eligible, (*eligible, "small forest")


def _report(
    stack: Stack, built: Built, lesson: _Lesson, selection: Selection, options: TrainingOptions
) -> dict[str, Any]:
    recipe, classifier = built.view.recipe, built.classifier
    return {
        "mode": options.mode,
        "seed": options.seed,
        "stack": [path.name for path in stack.paths],
        "cells": int(lesson.places.size),
        "cells_per_class": {code: int((lesson.codes == code).sum()) for code in sorted(set(lesson.codes))},
        "groups": int(np.unique(lesson.groups).size),
        "series": {series.name: len(series.targets) for series in recipe.series},
        "features": [feature.label for feature in recipe.features],
        "leaf_cells": selection.setting.leaf_cells,
        "balance": selection.setting.balance,
        "trees": classifier.roots.size if isinstance(classifier, PackedForest) else 0,
        "held_out_macro_f1": [
            {"leaf_cells": setting.leaf_cells, "balance": setting.balance, "macro_f1": round(score, 4)}
            for setting, score in selection.macro_f1.items()
        ],
    }
