"""The strata of a draw, strip by strip: the classes of a map, or square blocks of what a stack shows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ml.compute.class_rasters import ClassMap, metre_of, open_class_map
from ml.compute.errors import StackError
from ml.compute.grids import Grid
from ml.compute.stacks import Band, Stack, open_stack

CLASSES, BLOCKS, WHOLE = "classes", "blocks", "whole"
STRIP_ROWS = 256
# Blocks are for spreading the points over the ground: about eight points each, not more than fifty blocks.
POINTS_OF_A_BLOCK = 8
MOST_BLOCKS = 50
FEWEST_POINTS_FOR_BLOCKS = 40
NO_STRATUM = -1


@dataclass(frozen=True)
class StrataSource:
    """Where a draw reads its strata.

    Attributes:
        kind: `classes`, `blocks` or `whole`.
        grid: the cells.
        cell_area_m2: area of one cell.
        name_of: name of a stratum by its number.
        strips: yields (number of the first cell, (cells,) stratum of each cell or -1), from top to bottom.
    """

    kind: str
    grid: Grid
    cell_area_m2: float
    name_of: Callable[[int], str]
    strips: Callable[[], Iterator[tuple[int, NDArray[np.int64]]]]


def strata_of_classes(path: Path) -> StrataSource:
    """The classes of a map, by their codes.

    Raises:
        RasterError: the raster cannot be used.
    """
    class_map = open_class_map(path)
    area = class_map.cell_area_m2
    return StrataSource(CLASSES, class_map.grid, area, class_map.code_of, lambda: _class_strips(class_map))


def strata_of_blocks(paths: Sequence[Path], size: int) -> StrataSource:
    """Square blocks of a stack, or the whole of it where few points are drawn.

    Raises:
        StackError: the stack cannot be used.
        RasterError: its projection is in degrees.
    """
    stack = open_stack(paths)
    grid = stack.grid
    area = metre_of(grid, stack.paths[0]) ** 2 * grid.cell_width * grid.cell_height
    if size < FEWEST_POINTS_FOR_BLOCKS:
        return StrataSource(WHOLE, grid, area, lambda _block: WHOLE, lambda: _block_strips(stack, 1, 1))
    side = (grid.width * grid.height / min(MOST_BLOCKS, size // POINTS_OF_A_BLOCK)) ** 0.5
    down, across = max(1, round(grid.height / side)), max(1, round(grid.width / side))
    return StrataSource(
        BLOCKS,
        grid,
        area,
        lambda block: f"{block // across + 1}-{block % across + 1}",
        lambda: _block_strips(stack, down, across),
    )


def _class_strips(class_map: ClassMap) -> Iterator[tuple[int, NDArray[np.int64]]]:
    for first_row, values in class_map.strips(STRIP_ROWS):
        strata = values.astype(np.int64).reshape(-1)
        strata[strata == 0] = NO_STRATUM
        yield first_row * class_map.grid.width, strata


def _block_strips(stack: Stack, down: int, across: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Blocks of one size, but for the rounding to whole cells: no sliver at an edge."""
    grid = stack.grid
    for first_row in range(0, grid.height, STRIP_ROWS):
        window = Window(0, first_row, grid.width, min(STRIP_ROWS, grid.height - first_row))
        rows = (first_row + np.arange(int(window.height))) * down // grid.height
        blocks = np.add.outer(rows * across, np.arange(grid.width) * across // grid.width)
        blocks[~cells_with_data(stack, window)] = NO_STRATUM
        yield first_row * grid.width, blocks.reshape(-1)


def cells_with_data(stack: Stack, window: Window) -> NDArray[np.bool_]:
    """(rows, columns) where a map can be drawn: a date with data, or a predictor where nothing is dated.

    Args:
        stack: the stack.
        window: cells of its grid.

    Raises:
        StackError: a file is damaged.
    """
    series = [one for one in stack.series if one.is_dated] or list(stack.series)
    seen = np.zeros((int(window.height), int(window.width)), bool)
    for one in series:
        for band in one.bands:
            if seen.all():  # most often after two or three dates
                return seen
            seen |= _has_data(band, window)
    return seen


def _has_data(band: Band, window: Window) -> NDArray[np.bool_]:
    try:
        with rasterio.open(band.path) as source:
            plane = source.read(band.index, window=window)
    except RasterioError as error:
        raise StackError(f"{band.path}: damaged near row {window.row_off}; copy the file again.") from error
    has_data = np.isfinite(plane) if plane.dtype.kind == "f" else np.ones(plane.shape, bool)
    return has_data if band.nodata is None else has_data & (plane != band.nodata)
