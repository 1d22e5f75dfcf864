"""What there is to learn from: the cells of the samples, and unlabelled cells, seen through a recipe."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.compute.extraction import extract_features
from ml.compute.features import Levels, bind_recipe
from ml.compute.grids import Grid
from ml.compute.growing import TrainingCells
from ml.compute.recipes import Recipe, Survey, draw_plain_recipe
from ml.compute.stacks import Stack

# Unlabelled cells come from this many squares, spread over the stack, of this side.
SQUARES, SQUARE_CELLS = 12, 128
# Files come in tiles: a square within one is read at the price of one.
_TILE = 512


@dataclass(frozen=True)
class View:
    """Cells through a recipe.

    Attributes:
        recipe: the features.
        levels: how they become int16.
        cells: those of the samples.
        unlabelled: (cells, features) int16 of cells without a class; none where nothing is distilled.
    """

    recipe: Recipe
    levels: Levels
    cells: TrainingCells
    unlabelled: NDArray[np.int16]

    def keeping(self, features: NDArray[np.intp]) -> "View":
        """The same cells through these features alone."""
        return View(
            self.recipe.keeping(features),
            self.levels.keeping(features),
            self.cells.on(features),
            self.unlabelled[:, features],
        )

    def at(self, places: NDArray[np.intp]) -> "View":
        """The view of these sample cells, and of all unlabelled ones."""
        return replace(self, cells=self.cells.at(places))


@dataclass(frozen=True)
class Scene:
    """A stack to learn from.

    Attributes:
        stack: the stack.
        surveys: of its series.
        full: everything that the stack allows.
        plain: the steps of its series alone, for a network; None where there is too little to distil from.
    """

    stack: Stack
    surveys: dict[str, Survey]
    full: View
    plain: View | None = None

    def at(self, places: NDArray[np.intp]) -> "Scene":
        """The scene with these sample cells alone."""
        return replace(self, full=self.full.at(places), plain=self.plain and self.plain.at(places))

    def distillable(self, places: NDArray[np.intp], hidden: NDArray[np.intp], seed: int) -> "Scene":
        """Add unlabelled cells, and the plain view.

        Args:
            places: (cells,) places of the sample cells in the flattened grid.
            hidden: places that must not be looked at, those of the test samples.
            seed: of the draw.

        Returns:
            The scene from which a network can be taught.
        """
        drawn = np.setdiff1d(unlabelled_places(self.stack.grid, seed), hidden)
        sources = bind_recipe(self.full.recipe, self.stack, self.surveys)
        seen = extract_features(self.stack, self.full.recipe, sources, drawn)
        full = replace(self.full, unlabelled=self.full.levels.of_cells(seen.values[seen.seen]))
        recipe = draw_plain_recipe(self.stack, self.surveys)
        sources = bind_recipe(recipe, self.stack, self.surveys)
        values = extract_features(self.stack, recipe, sources, np.concatenate([places, drawn[seen.seen]])).values
        levels = Levels.spanning(values)
        table = levels.of_cells(values)
        cells = replace(self.full.cells, levels=table[: places.size])
        return replace(self, full=full, plain=View(recipe, levels, cells, table[places.size :]))


def unlabelled_places(grid: Grid, seed: int) -> NDArray[np.intp]:
    """Places of cells in squares drawn over the grid, in order.

    Args:
        grid: the cells.
        seed: of the draw.

    Returns:
        (cells,) places in the flattened grid.
    """
    random = np.random.default_rng(seed)
    tiles = [(row, column) for row in range(0, grid.height, _TILE) for column in range(0, grid.width, _TILE)]
    drawn = random.permutation(len(tiles))
    corners = [_corner(grid, tiles[drawn[turn % len(tiles)]], random) for turn in range(SQUARES)]
    return np.unique(np.concatenate([_square(grid, corner) for corner in corners]))


def _corner(grid: Grid, tile: tuple[int, int], random: np.random.Generator) -> tuple[int, int]:
    rows, columns = min(_TILE, grid.height - tile[0]), min(_TILE, grid.width - tile[1])
    return (
        tile[0] + int(random.integers(0, max(1, rows - SQUARE_CELLS + 1))),
        tile[1] + int(random.integers(0, max(1, columns - SQUARE_CELLS + 1))),
    )


def _square(grid: Grid, corner: Sequence[int]) -> NDArray[np.intp]:
    rows = np.arange(corner[0], min(corner[0] + SQUARE_CELLS, grid.height))
    columns = np.arange(corner[1], min(corner[1] + SQUARE_CELLS, grid.width))
    return (rows[:, None] * grid.width + columns).reshape(-1)
