"""Samples examined before anything is learned from them: the story behind the command `contradictions`."""

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from ml.compute.contradictions import (
    Contradiction,
    contradiction_table,
    held_out_contradictions,
    overlapping_contradictions,
)
from ml.compute.cross_validation import cross_validate, few_of_each, forest_learner
from ml.compute.extraction import extract_features
from ml.compute.features import Levels, bind_recipe
from ml.compute.growing import TrainingCells
from ml.compute.hierarchy import NO_HIERARCHY, Hierarchy
from ml.compute.recipes import draw_recipe, survey_stack
from ml.compute.samples import BLOCK_CELLS, Cells, blocks_of, cells_of_samples, learning_cells, training_rows
from ml.compute.selection import SETTINGS
from ml.compute.stacks import Stack, open_stack
from ml.compute.vectors import in_crs

# A few cells of each sample are enough to judge it, and keep memory and time bounded.
MOST_CELLS = 20_000


def review_samples(
    stack_paths: Sequence[Path],
    samples: gpd.GeoDataFrame,
    *,
    field: str = "code",
    hierarchy: Hierarchy = NO_HIERARCHY,
    seed: int = 0,
) -> gpd.GeoDataFrame:
    """List the samples that contradict one another, or what samples elsewhere say of such ground.

    Test samples are compared by place only: no learner ever sees them.

    Args:
        stack_paths: rasters on one grid.
        samples: as `read_sample_file` returns them.
        field: the column of the codes.
        hierarchy: the legend's tree: a code and its ancestor agree.
        seed: of the folds and of the cells kept.

    Returns:
        The table of `contradiction_table`.

    Raises:
        ComputeError: the stack or the samples cannot be used.
    """
    stack = open_stack(stack_paths)
    samples = in_crs(samples, CRS.from_user_input(stack.grid.crs))
    cells = learning_cells(samples, stack.grid)
    found = overlapping_contradictions(samples, cells, stack.grid.width, field=field, hierarchy=hierarchy)
    found += _unlike_their_own(stack, samples, cells, field, hierarchy, seed)
    return contradiction_table(found, samples, field=field)


def _unlike_their_own(
    stack: Stack, samples: gpd.GeoDataFrame, cells: Cells, field: str, hierarchy: Hierarchy, seed: int
) -> list[Contradiction]:
    cells = _teaching_cells(samples, cells, stack)
    cells = cells.where(np.isin(np.arange(cells.samples.size), few_of_each(cells.samples, most=MOST_CELLS, seed=seed)))
    levels, seen = _levels(stack, cells)
    cells, levels = cells.where(seen), levels[seen]
    names = samples[field].astype(str).to_numpy(object)[cells.samples]
    codes, classes = np.unique(names, return_inverse=True) if names.size else (names, np.empty(0, np.intp))
    if len(codes) < 2:
        return []
    blocks = np.unique(blocks_of(samples, BLOCK_CELLS * stack.grid.cell_width), axis=0, return_inverse=True)[1]
    lesson = TrainingCells(levels, classes.reshape(-1), blocks.reshape(-1)[cells.samples], np.ones(cells.samples.size))
    held = cross_validate(lesson, forest_learner(SETTINGS[0], seed=seed), seed=seed)
    return held_out_contradictions(
        held.shares, held.classes, cells.samples[held.places], codes.tolist(), hierarchy=hierarchy
    )


def _teaching_cells(samples: gpd.GeoDataFrame, cells: Cells, stack: Stack) -> Cells:
    """The cells of samples that may train, without those under a test sample."""
    trains = training_rows(samples, BLOCK_CELLS * stack.grid.cell_width)
    tests = cells_of_samples(samples[(samples["split"] == "test").to_numpy()], stack.grid)
    is_tested = np.isin(cells.places(stack.grid.width), tests.places(stack.grid.width))
    return cells.where(trains[cells.samples] & ~is_tested)


def _levels(stack: Stack, cells: Cells) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """(cells, features) levels, and (cells,) whether anything was observed there."""
    surveys = survey_stack(stack)
    recipe = draw_recipe(stack, surveys)
    found = extract_features(stack, recipe, bind_recipe(recipe, stack, surveys), cells.places(stack.grid.width))
    if not found.seen.any():
        return np.zeros(found.values.shape, np.int16), found.seen
    return Levels.spanning(found.values[found.seen]).of_cells(found.values), found.seen
