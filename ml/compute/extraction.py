"""Features at the cells of the samples, reading each window of the stack once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ml.compute.features import SeriesSource, feature_planes, has_data
from ml.compute.recipes import Recipe
from ml.compute.stacks import Stack, StackReader

READ_SIZE = 256
# Scattered points need the features of a small tile each; dense samples those of the whole window.
TILE_SIZE = 16


@dataclass(frozen=True)
class Extraction:
    """Features at cells: values (cells, features) float32; seen (cells,) false where nothing was observed."""

    values: NDArray[np.float32]
    seen: NDArray[np.bool_]


def extract_features(
    stack: Stack,
    recipe: Recipe,
    sources: Sequence[SeriesSource],
    places: NDArray[np.intp],
    *,
    workers: int = 2,
) -> Extraction:
    """Compute the features of chosen cells.

    Args:
        stack: the stack.
        recipe: what to compute.
        sources: the recipe bound to the stack.
        places: (cells,) place of each cell in the flattened grid.
        workers: threads.

    Returns:
        Values and whether anything was observed, in the order of `places`.
    """
    rows, columns = np.divmod(places, stack.grid.width)
    extraction = Extraction(np.zeros((places.size, len(recipe.features)), np.float32), np.zeros(places.size, bool))
    window_of = (rows // READ_SIZE) * (stack.grid.width // READ_SIZE + 1) + columns // READ_SIZE
    order = np.argsort(window_of, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(window_of[order])) + 1) if order.size else []
    with StackReader(stack, {source.place for source in sources}) as reader, ThreadPoolExecutor(workers) as pool:

        def extract(group: NDArray[np.intp]) -> None:
            _extract_window(reader, recipe, sources, (rows[group], columns[group], group), extraction)

        list(pool.map(extract, groups))
    return extraction


def _extract_window(
    reader: StackReader,
    recipe: Recipe,
    sources: Sequence[SeriesSource],
    cells: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]],
    extraction: Extraction,
) -> None:
    rows, columns, group = cells
    grid = reader.stack.grid
    left, top = int(columns.min()), int(rows.min())
    window = Window(left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1)
    padded = grid.padded(window, recipe.halo)
    values = reader.read(padded)
    rows, columns = rows - int(padded.row_off), columns - int(padded.col_off)
    seen = has_data(values, sources)
    extraction.seen[group] = seen[rows, columns]
    for chosen, rows_cut, columns_cut in _tiles(rows, columns, seen.shape, recipe.halo):
        tile = [one[:, rows_cut, columns_cut] for one in values]
        width = tile[0].shape[2]
        at = (rows[chosen] - rows_cut.start) * width + columns[chosen] - columns_cut.start
        for place, plane in feature_planes(tile, recipe, sources):
            extraction.values[group[chosen], place] = plane[at]


def _tiles(
    rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, ...], halo: int
) -> list[tuple[NDArray[np.intp], slice, slice]]:
    """Cut a window into the tiles around its cells, unless together they outgrow the window."""
    tile_of = (rows // TILE_SIZE) * (shape[1] // TILE_SIZE + 1) + columns // TILE_SIZE
    order = np.argsort(tile_of, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(tile_of[order])) + 1)
    if len(groups) * (TILE_SIZE + 2 * halo) ** 2 > shape[0] * shape[1]:
        return [(order, slice(0, shape[0]), slice(0, shape[1]))]
    return [(group, _around(rows[group], shape[0], halo), _around(columns[group], shape[1], halo)) for group in groups]


def _around(positions: NDArray[np.intp], size: int, halo: int) -> slice:
    return slice(max(0, int(positions.min()) - halo), min(size, int(positions.max()) + halo + 1))
