"""Reference samples: read whole, cut into cells, and kept apart by spatial blocks."""

import zlib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataSourceError
from shapely.geometry.base import BaseGeometry

from ml.compute.errors import SampleError
from ml.compute.grids import Grid
from ml.compute.vectors import PLACES, layer_names, read_layer

SPLITS = ("train", "test", "")
TEXT_COLUMNS = ("observers", "origin")
# Side of a spatial block, in cells: neighbours on both sides of a border still resemble each other.
BLOCK_CELLS = 20
TEST_SHARE = 0.3
FEWEST_INNER_CELLS = 4
# A hair under half a cell: outlines that follow the cells themselves, as a map's own, keep their outer cells.
INNER_MARGIN_CELLS = 0.49


@dataclass(frozen=True)
class Cells:
    """Cells of a grid under samples; `samples` holds the place of each cell's sample, from 0."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    samples: NDArray[np.intp]

    def where(self, kept: NDArray[np.bool_]) -> "Cells":
        """The cells where `kept` is true."""
        return Cells(self.rows[kept], self.columns[kept], self.samples[kept])

    def places(self, width: int) -> NDArray[np.intp]:
        """Place of each cell in the flattened grid."""
        return self.rows * width + self.columns


def read_sample_file(path: Path, *, field: str) -> gpd.GeoDataFrame:
    """Read and check a file of samples.

    Args:
        path: polygons or points; the layer 'samples', or the only one.
        field: the column that holds the class code.

    Returns:
        Columns code, date, observers, origin, split (text, empty where absent), any other column of the
        file as it is, and geometry, in the file's CRS, in the file's order.

    Raises:
        SampleError: the file or a row is wrong; the row is named, counted from 1.
    """
    layer = "samples" if path.is_file() and "samples" in _names(path) else None
    frame = read_layer(path, layer=layer, error=SampleError, kinds=PLACES)
    if field not in frame:
        present = ", ".join(str(column) for column in frame.columns if column != "geometry")
        raise SampleError(f"{path}: no column '{field}' (it has: {present}); add it or name another.")
    if frame.empty:
        raise SampleError(f"{path}: the file has no sample; add some.")
    frame["code"] = [_code(value, f"{path}: row {row}") for row, value in enumerate(frame[field], 1)]
    frame["split"] = _texts(frame, "split", path)
    frame["date"] = [
        _date(value, f"{path}: row {row}")
        for row, value in enumerate(frame.get("date", pd.Series([None] * len(frame))), 1)
    ]
    for column in TEXT_COLUMNS:
        frame[column] = _texts(frame, column, path)
    return frame


def cells_of_samples(samples: gpd.GeoDataFrame, grid: Grid) -> Cells:
    """The cells whose centre is inside each sample; for a point, the cell that holds it.

    Args:
        samples: polygons or points in the grid's CRS.
        grid: the cells.

    Returns:
        Cells in the order of the samples; a cell under two samples comes twice.
    """
    return _gathered([_cells_inside(geometry, grid) for geometry in samples.geometry])


def learning_cells(samples: gpd.GeoDataFrame, grid: Grid) -> Cells:
    """The cells to learn from: mixed cells at the outline only where a sample has few others.

    A polygon gives the cells that lie half a cell or more inside it; where these are fewer than
    FEWEST_INNER_CELLS, the cells whose centre is inside; without any, the cell that holds its inner point.

    Args:
        samples: polygons or points in the grid's CRS.
        grid: the cells.

    Returns:
        Cells in the order of the samples.
    """
    margin = INNER_MARGIN_CELLS * min(grid.cell_width, grid.cell_height)
    found = []
    for geometry in samples.geometry:
        cells = _cells_inside(geometry.buffer(-margin), grid)
        if cells[0].size < FEWEST_INNER_CELLS:
            cells = _cells_inside(geometry, grid)
        found.append(cells if cells[0].size else _cells_inside(geometry.representative_point(), grid))
    return _gathered(found)


def blocks_of(samples: gpd.GeoDataFrame, block_m: float) -> NDArray[np.int64]:
    """The spatial block of each sample: (samples, 2) column and row of a lattice of `block_m` metres."""
    points = samples.geometry.representative_point()
    return np.floor(np.column_stack([points.x, points.y]) / block_m).astype(np.int64)


def block_bounds(place: BaseGeometry, block_m: float) -> tuple[float, float, float, float]:
    """West, south, east, north of the block of a place, in metres."""
    ((column, row),) = blocks_of(gpd.GeoDataFrame(geometry=[place]), block_m).tolist()
    return column * block_m, row * block_m, (column + 1) * block_m, (row + 1) * block_m


def closed_ground(samples: gpd.GeoDataFrame, block_m: float) -> BaseGeometry:
    """The blocks that hold a test sample, in whole or in part: nothing there may train.

    Args:
        samples: with the column split, in metres.
        block_m: side of the blocks, in metres.
    """
    tests = samples[(samples["split"] == "test").to_numpy()]
    corners = np.array(sorted(_closed_blocks(tests, block_m)), float).reshape(-1, 2) * block_m
    west, south = corners.T
    return shapely.union_all(shapely.box(west, south, west + block_m, south + block_m))


def training_rows(samples: gpd.GeoDataFrame, block_m: float) -> NDArray[np.bool_]:
    """Samples that may train: those marked so, and unmarked ones of blocks without a test sample.

    Args:
        samples: with the column split.
        block_m: side of the blocks, in metres.

    Returns:
        (samples,).
    """
    split = samples["split"].to_numpy()
    return (split == "train") | ((split == "") & ~_in_test_blocks(samples, block_m))


def assign_splits(samples: gpd.GeoDataFrame, *, block_m: float, seed: int, test_share: float = TEST_SHARE) -> list[str]:
    """Fill the empty splits, block by block; a written split wins.

    A block's draw depends on its place and the seed alone, so it stays the same when samples are added in
    later years. A class that would have nothing to learn from gets one of its drawn blocks back.

    Args:
        samples: with the columns code and split.
        block_m: side of the blocks, in metres.
        seed: of the draw.
        test_share: share of the blocks kept for choosing models.

    Returns:
        `train` or `test` for each sample.
    """
    blocks = blocks_of(samples, block_m)
    draws = np.array([_draw(block, seed) for block in blocks])
    written = samples["split"].to_numpy()
    forced = _in_test_blocks(samples, block_m)
    is_test = np.where(written == "", forced | (draws < test_share), written == "test")
    codes = samples["code"].to_numpy()
    for code in sorted(set(codes)):
        of_class = codes == code
        free = of_class & (written == "") & ~forced
        if is_test[of_class].all() and free.any():
            reopened = draws == draws[free].max()
            is_test[reopened & (written == "") & ~forced] = False
    return ["test" if one else "train" for one in is_test]


def split_at(
    place: BaseGeometry, known: gpd.GeoDataFrame, *, block_m: float, seed: int, test_share: float = TEST_SHARE
) -> str:
    """The split of one more sample, among samples that have theirs: the same block goes the same way.

    Args:
        place: of the new sample, in metres.
        known: the samples around, in the same CRS; columns split (train or test), written (whether the source said
            so) and geometry.
        block_m: side of the blocks, in metres.
        seed: of the draw.
        test_share: share of the blocks kept for choosing models.

    Returns:
        `test` where the place overlaps a test sample, or where its block holds one; `train` where its block holds a
        training sample; else what `assign_splits` draws for the block.
    """
    (block,) = blocks_of(gpd.GeoDataFrame(geometry=[place]), block_m)
    is_test = (known["split"] == "test").to_numpy(bool)
    in_block = (blocks_of(known, block_m) == block).all(axis=1)
    closed = _closed_blocks(known[is_test & known["written"].to_numpy(bool)], block_m)
    holds_a_test = (in_block & is_test).any() or tuple(block.tolist()) in closed
    if holds_a_test or known.geometry[is_test].intersects(place).any():
        return "test"
    if in_block.any():
        return "train"
    return "test" if _draw(block, seed) < test_share else "train"


def thinned_place(place: BaseGeometry, *, cell_m: float, most: int) -> BaseGeometry:
    """A polygon as at most so many points inside it, where it holds more cells; others as they are.

    Args:
        place: in metres.
        cell_m: side of a cell.
        most: points to keep, spread by a hash of their position: the same place gives the same points.
    """
    if place.geom_type not in ("Polygon", "MultiPolygon") or place.area <= most * cell_m**2:
        return place
    inner = place.buffer(-INNER_MARGIN_CELLS * cell_m)
    if inner.is_empty:
        return place
    west, south, east, north = inner.bounds
    columns = np.arange(np.floor(west / cell_m), np.ceil(east / cell_m))
    rows = np.arange(np.floor(south / cell_m), np.ceil(north / cell_m))
    x, y = (axis.ravel() for axis in np.meshgrid((columns + 0.5) * cell_m, (rows + 0.5) * cell_m))
    shapely.prepare(inner)
    inside = np.flatnonzero(shapely.contains_xy(inner, x, y))
    if inside.size <= most:
        return place
    draws = np.array([zlib.crc32(f"{x[one]:.1f}:{y[one]:.1f}".encode()) for one in inside])
    kept = np.sort(inside[np.argsort(draws, kind="stable")[:most]])
    return shapely.MultiPoint(np.column_stack([x[kept], y[kept]]))


_NO_CELLS = (np.empty(0, np.intp), np.empty(0, np.intp))


def _gathered(found: list[tuple[NDArray[np.intp], NDArray[np.intp]]]) -> Cells:
    sizes = [rows.size for rows, _ in found]
    return Cells(
        np.concatenate([rows for rows, _ in found]) if found else _NO_CELLS[0],
        np.concatenate([columns for _, columns in found]) if found else _NO_CELLS[1],
        np.repeat(np.arange(len(found)), sizes),
    )


def _cells_inside(geometry: BaseGeometry, grid: Grid) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    if geometry.is_empty:
        return _NO_CELLS
    if geometry.geom_type in ("Point", "MultiPoint"):
        return _cells_of_points(geometry, grid)
    west, south, east, north = geometry.bounds
    left, top = ~grid.transform @ (west, north)
    right, bottom = ~grid.transform @ (east, south)
    columns = np.arange(max(0, int(left)), min(grid.width, int(np.ceil(right))))
    rows = np.arange(max(0, int(top)), min(grid.height, int(np.ceil(bottom))))
    column_grid, row_grid = np.meshgrid(columns, rows)
    x = grid.transform.c + (column_grid.ravel() + 0.5) * grid.transform.a
    y = grid.transform.f + (row_grid.ravel() + 0.5) * grid.transform.e
    shapely.prepare(geometry)
    inside = shapely.contains_xy(geometry, x, y)
    return row_grid.ravel()[inside].astype(np.intp), column_grid.ravel()[inside].astype(np.intp)


def _cells_of_points(geometry: BaseGeometry, grid: Grid) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    points = shapely.get_coordinates(geometry)
    columns = np.floor((points[:, 0] - grid.transform.c) / grid.transform.a).astype(np.intp)
    rows = np.floor((points[:, 1] - grid.transform.f) / grid.transform.e).astype(np.intp)
    inside = (columns >= 0) & (columns < grid.width) & (rows >= 0) & (rows < grid.height)
    cells = np.unique(np.column_stack([rows[inside], columns[inside]]), axis=0)
    return cells[:, 0], cells[:, 1]


def _draw(block: NDArray[np.int64], seed: int) -> float:
    """Between 0 and 1, the same on any machine."""
    x, y = block
    return zlib.crc32(f"{seed}:{x}:{y}".encode()) / 2**32


def _in_test_blocks(samples: gpd.GeoDataFrame, block_m: float) -> NDArray[np.bool_]:
    """Samples in a block that a test sample touches with its bounds."""
    closed = _closed_blocks(samples[(samples["split"] == "test").to_numpy()], block_m)
    return np.array([(x, y) in closed for x, y in blocks_of(samples, block_m).tolist()], bool)


def _closed_blocks(tests: gpd.GeoDataFrame, block_m: float) -> set[tuple[int, int]]:
    """The blocks that samples touch with their bounds."""
    closed: set[tuple[int, int]] = set()
    for west, south, east, north in tests.geometry.bounds.to_numpy():
        columns = range(int(west // block_m), int(east // block_m) + 1)
        closed.update((c, r) for c in columns for r in range(int(south // block_m), int(north // block_m) + 1))
    return closed


def _names(path: Path) -> list[str]:
    try:
        return layer_names(path)
    except DataSourceError:
        return []


def _code(value: Any, where: str) -> str:
    if value is None or pd.isna(value) or not str(value).strip():
        raise SampleError(f"{where} has no code; write its class or delete the row.")
    # GeoPackages written from tables with gaps hold 2100 as 2100.0.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _date(value: Any, where: str) -> str:
    if value is None or pd.isna(value) or not str(value).strip():
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    try:
        return date.fromisoformat(str(value).strip()[:10]).isoformat()
    except ValueError as error:
        raise SampleError(f"{where} has the date '{value}'; write it as 2024-06-30.") from error


def _texts(frame: gpd.GeoDataFrame, column: str, path: Path) -> list[str]:
    if column not in frame:
        return [""] * len(frame)
    texts = ["" if pd.isna(value) else str(value).strip() for value in frame[column]]
    if column == "split":
        for row, text in enumerate(texts, 1):
            if text not in SPLITS:
                raise SampleError(f"{path}: row {row} has the split '{text}'; use train, test or nothing.")
    return texts
