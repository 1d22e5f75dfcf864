"""How accurate a change map is, told from points drawn by probability.

The strata are the strength of the change and, among the cells said unchanged, the doubtful ones and those beside a
change: missed changes hide there, and a sample of the whole would find too few of them.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rasterio.windows import Window
from scipy.ndimage import binary_dilation

from ml.compute.class_rasters import ClassMap, check_same_grid, open_class_map, read_bands
from ml.compute.grids import Grid, grid_of, open_raster
from ml.compute.sampling import FEWEST_OF_A_STRATUM, Draw, draw_from_strata
from ml.compute.strata import NO_STRATUM, STRIP_ROWS, StrataSource

CHANGE, NO_CHANGE = "change", "no_change"
STRATA = ("change_strong", "change_likely", "change_weak", "beside_change", "doubtful", "no_change")
STRONG, LIKELY, WEAK, BESIDE, DOUBTFUL, STABLE = range(len(STRATA))
STRONG_PERCENT, LIKELY_PERCENT, DOUBTFUL_PERCENT = 80, 50, 15
FULL_STRENGTH = 100
BUFFER_PX = 2
VALUE_COUNT = 65536


@dataclass(frozen=True)
class ChangeMap:
    """Two maps of one grid, and how strong their changes are.

    Attributes:
        before: class raster, 0 = no data.
        after: class raster on the same grid.
        strength: chance of a change, 0-100; None where unknown: every change is then strong, nothing else doubtful.
        buffer_px: cells around a change that make the stratum beside it.
    """

    before: Path
    after: Path
    strength: Path | None = None
    buffer_px: int = BUFFER_PX


def draw_change_sample(
    change: ChangeMap, *, size: int, seed: int, fewest: int = FEWEST_OF_A_STRATUM
) -> tuple[Draw, pd.DataFrame]:
    """Draw the points that tell how accurate a change map is.

    Args:
        change: the two maps.
        size: points in all.
        seed: the same seed draws the same points.
        fewest: points that each stratum gets at least.

    Returns:
        The draw, and its points as people label them: `number`, `x`, `y`, `stratum`, `stratum_area` (m²),
        `inclusion_probability`, `map` (change, no_change), `from_class`, `to_class`, `reference` (to be filled in with
        change or no_change). `assess_points` reads them: the area of `change` is the one corrected for errors.

    Raises:
        AuditError: too few points for the strata, or more than there are cells.
        RasterError: a raster cannot be used, or the grids differ.
    """
    before, after = open_class_map(change.before), open_class_map(change.after)
    source = StrataSource(
        kind="change",
        grid=_checked_grid(before, after, change.strength),
        cell_area_m2=before.cell_area_m2,
        name_of=STRATA.__getitem__,
        strips=lambda: _strata_strips(before, after, change),
    )
    draw = draw_from_strata(source, size=size, seed=seed, fewest=fewest)
    return draw, _points_to_label(draw, before, after)


def _checked_grid(before: ClassMap, after: ClassMap, strength: Path | None) -> Grid:
    check_same_grid(before.path, before.grid, after.path, after.grid)
    if strength is not None:
        with open_raster(strength) as source:
            check_same_grid(before.path, before.grid, strength, grid_of(source, strength))
    return before.grid


def _strata_strips(before: ClassMap, after: ClassMap, change: ChangeMap) -> Iterator[tuple[int, NDArray[np.int64]]]:
    grid = before.grid
    for first in range(0, grid.height, STRIP_ROWS):
        strip = Window(0, first, grid.width, min(STRIP_ROWS, grid.height - first))
        seen = grid.padded(strip, change.buffer_px)
        strata = _strata_of(before, after, change, seen)
        above = int(strip.row_off - seen.row_off)
        yield first * grid.width, strata[above : above + int(strip.height)].reshape(-1)


def _strata_of(before: ClassMap, after: ClassMap, change: ChangeMap, window: Window) -> NDArray[np.int64]:
    """(rows, columns) stratum of each cell, -1 where one of the maps has no data."""
    earlier, later = before.read(window), after.read(window)
    changed = _differ(before, after, earlier, later)
    strength = np.where(changed, FULL_STRENGTH, 0).astype(np.uint8)
    if change.strength is not None:
        with open_raster(change.strength) as source:
            strength = read_bands(source, change.strength, [1], window)[0]
    strata = np.full(changed.shape, STABLE, np.int64)
    strata[(strength >= DOUBTFUL_PERCENT) & (strength <= FULL_STRENGTH)] = DOUBTFUL
    if change.buffer_px > 0:
        square = np.ones((3, 3), bool)
        strata[binary_dilation(changed, square, iterations=change.buffer_px)] = BESIDE
    by_strength = np.where(strength >= STRONG_PERCENT, STRONG, np.where(strength >= LIKELY_PERCENT, LIKELY, WEAK))
    strata[changed] = by_strength[changed]
    strata[(earlier == 0) | (later == 0)] = NO_STRATUM
    return strata


def _differ(
    before: ClassMap, after: ClassMap, earlier: NDArray[np.uint16], later: NDArray[np.uint16]
) -> NDArray[np.bool_]:
    """Where the codes differ; two maps may number them differently."""
    number_of: dict[str, int] = {}
    numbered = []
    for class_map, values in ((before, earlier), (after, later)):
        table = np.zeros(VALUE_COUNT, np.int64)
        for value in np.unique(values):
            table[value] = number_of.setdefault(class_map.code_of(int(value)), len(number_of))
        numbered.append(table[values])
    return (numbered[0] != numbered[1]) & (earlier > 0) & (later > 0)


def _points_to_label(draw: Draw, before: ClassMap, after: ClassMap) -> pd.DataFrame:
    points = pd.DataFrame([asdict(point) for point in draw.points])
    columns, rows = (np.floor(places).astype(int) for places in ~before.grid.transform @ (points["x"], points["y"]))
    earlier, later = _codes_at(before, rows, columns), _codes_at(after, rows, columns)
    return pd.DataFrame(
        {
            **points[["number", "x", "y", "stratum"]],
            "stratum_area": points["stratum"].map(draw.areas),
            "inclusion_probability": points["inclusion_probability"],
            "map": np.where(earlier != later, CHANGE, NO_CHANGE),
            "from_class": earlier,
            "to_class": later,
            "reference": "",
        }
    )


def _codes_at(class_map: ClassMap, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.object_]:
    """(n,) code of each cell, the map being read once."""
    codes = np.empty(rows.size, object)
    for first, values in class_map.strips(STRIP_ROWS):
        here = (rows >= first) & (rows < first + len(values))
        codes[here] = [class_map.code_of(value) for value in values[rows[here] - first, columns[here]]]
    return codes
