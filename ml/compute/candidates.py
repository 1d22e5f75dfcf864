"""Classifiers that could map a stack, tried on the same held-out blocks and timed on the same cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ml.compute.distillation import Lessons, distil_network
from ml.compute.features import bind_recipe
from ml.compute.forest import PackedForest
from ml.compute.growing import ForestSetting, grow_forest
from ml.compute.network import DistilledNetwork
from ml.compute.selection import SETTINGS, HeldOut
from ml.compute.timing import cpu_seconds_per_million_cells
from ml.compute.views import Scene, View
from ml.compute.window_levels import LevelMaker

Kind = Literal["forest", "lean forest", "plain forest", "small forest", "network"]
# What people use today: a forest on the predictors of the cell alone. Frugality may not fall behind it.
REFERENCE: Kind = "plain forest"
# Features that a first forest leans on most: the fewer, the fewer planes to compute and to walk.
KEPT_FEATURES: dict[Kind, int] = {"lean forest": 64, "small forest": 24}
RANKING_TREES = 40
# The network's teacher is the accurate forest, but needs no more trees than this.
MOST_TEACHER_TREES = 100


@dataclass(frozen=True)
class Built:
    """A classifier and the view that it reads."""

    view: View
    classifier: PackedForest | DistilledNetwork


@dataclass(frozen=True)
class Trial:
    """A candidate, measured.

    Attributes:
        kind: which classifier.
        macro_f1: over held-out blocks.
        sharpness: power under which its shares are least surprised by the truth.
        cpu_seconds: CPU-seconds per million cells, from what the file holds to shares.
    """

    kind: Kind
    macro_f1: float
    sharpness: float
    cpu_seconds: float

    @property
    def macro_f1_per_cpu_second(self) -> float:
        """What decides between candidates that map about as well."""
        return self.macro_f1 / self.cpu_seconds

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        return {
            "candidate": self.kind,
            "macro_f1": round(self.macro_f1, 4),
            "cpu_seconds_per_million_cells": float(f"{self.cpu_seconds:.3g}"),
            "macro_f1_per_cpu_second": float(f"{self.macro_f1_per_cpu_second:.3g}"),
        }


@dataclass(frozen=True)
class Teaching:
    """How candidates are built.

    Attributes:
        setting: of the forests.
        trees: of each kind of forest.
        seed: of every draw.
        sharpness: power given to the shares of a network, within it.
    """

    setting: ForestSetting
    trees: dict[Kind, int]
    seed: int
    sharpness: float = 1.0


def build_candidate(kind: Kind, scene: Scene, teaching: Teaching) -> Built:
    """Train one classifier.

    Args:
        kind: which.
        scene: what to learn from.
        teaching: how.

    Returns:
        The classifier and its view.
    """
    if kind == "network":
        return _network(scene, teaching)
    view = scene.plain if kind == "plain forest" and scene.plain else scene.full
    if kind in KEPT_FEATURES:
        view = view.keeping(_best_features(view, KEPT_FEATURES[kind], teaching.seed))
    grown = grow_forest(view.cells, teaching.setting, trees=teaching.trees[kind], seed=teaching.seed)
    return Built(view, grown.packed)


def try_candidates(kinds: Sequence[Kind], scene: Scene, teaching: Teaching, held_out: HeldOut) -> list[Trial]:
    """Build each candidate without the held-out blocks, score it on them, and time it.

    Args:
        kinds: the candidates.
        scene: what to learn from.
        teaching: how.
        held_out: which cells teach and which judge.

    Returns:
        A trial for each kind.
    """
    trials = []
    for kind in kinds:
        built = build_candidate(kind, scene.at(held_out.learned), teaching)
        truth = scene.full.cells.classes[held_out.judging]
        table = _lesson_levels(kind, scene, built)[held_out.judging]
        shares = built.classifier.shares(np.ascontiguousarray(table.T))
        score, sharpness = held_out.judge(truth, shares)
        trials.append(Trial(kind, score, sharpness, _cpu_seconds(scene, built)))
    return trials


def choose_candidate(trials: Sequence[Trial], eligible: Sequence[Kind], tolerance: float) -> Trial:
    """The candidate of the highest macro-F1 per CPU-second among those that map about as well as the best.

    Args:
        trials: as `try_candidates` returns them.
        eligible: the kinds that may be chosen.
        tolerance: macro-F1 that may be lost to the reference, to the best of all trials where it was not tried, or
            to the best eligible one where none comes near.
    """
    allowed = [trial for trial in trials if trial.kind in eligible]
    reference = max([t.macro_f1 for t in trials if t.kind == REFERENCE] or [t.macro_f1 for t in trials])
    floor = min(reference, max(t.macro_f1 for t in allowed)) - tolerance
    return max((t for t in allowed if t.macro_f1 >= floor), key=lambda trial: trial.macro_f1_per_cpu_second)


def _cpu_seconds(scene: Scene, built: Built) -> float:
    view = built.view
    sources = bind_recipe(view.recipe, scene.stack, scene.surveys)
    return cpu_seconds_per_million_cells(LevelMaker(scene.stack, view.recipe, sources, view.levels), built.classifier)


def _lesson_levels(kind: Kind, scene: Scene, built: Built) -> NDArray[np.int16]:
    """The levels of all sample cells as a candidate reads them."""
    view = scene.plain if kind in ("network", "plain forest") and scene.plain else scene.full
    place = {feature: turn for turn, feature in enumerate(view.recipe.features)}
    return view.cells.levels[:, [place[feature] for feature in built.view.recipe.features]]


def _best_features(view: View, count: int, seed: int) -> NDArray[np.intp]:
    importances = grow_forest(view.cells, SETTINGS[0], trees=RANKING_TREES, seed=seed).importances
    return np.sort(np.argsort(-importances, kind="stable")[:count])


def _network(scene: Scene, teaching: Teaching) -> Built:
    if scene.plain is None:
        message = "a network needs the plain view of a scene"
        raise ValueError(message)
    cells, plain = scene.full.cells, scene.plain
    trees = min(teaching.trees["forest"], MOST_TEACHER_TREES)
    teacher = grow_forest(cells, teaching.setting, trees=trees, seed=teaching.seed).packed
    labels = teacher.shares(np.ascontiguousarray(scene.full.unlabelled.T)).argmax(axis=1)
    lessons = Lessons(
        np.concatenate([plain.cells.levels, plain.unlabelled]),
        np.concatenate([cells.classes, labels]),
        np.arange(cells.classes.size + labels.size) < cells.classes.size,
    )
    network = distil_network(lessons, class_count=teacher.class_count, seed=teaching.seed, sharpness=teaching.sharpness)
    return Built(plain, network)
