"""What changed between two class maps of one grid: a raster, a table, and a table by zone."""

import json
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rasterio.windows import Window

from ml.compute.class_rasters import ClassMap, check_same_grid, common_values, open_class_map, read_bands
from ml.compute.classmaps import TAG
from ml.compute.cogs import written_as_cog
from ml.compute.grids import grid_of, open_raster
from ml.compute.zonal import VALUE_COUNT, count_by_zone, number_values, rows_at_once

FULL_STRENGTH = 100
CHANGE_DESCRIPTION = f"class before * {VALUE_COUNT} + class after; 0 where one of them has no data"


def compare_maps(
    before_path: Path, after_path: Path, *, out: Path | None = None, strength_path: Path | None = None
) -> pd.DataFrame:
    """Count what each class became, and write where.

    Args:
        before_path: class raster, 0 = no data.
        after_path: class raster on the same grid.
        out: change raster to write, or None: a uint32 COG that holds value before x 65536 + value after in every
            cell with data in both maps, changed or not, and 0 elsewhere. Where the two maps number their classes
            differently, codes are numbered anew; the CLASSES tag says the code of each value.
        strength_path: chance in percent that the class of a cell really differs, as `stabilise_maps` writes it for
            two years; None where unknown.

    Returns:
        `from_class`, `to_class` (codes), `cells`, `area_m2`, one row per pair found, unchanged classes included;
        with a strength also `strength` (mean) and `expected_area_m2` (area times the chance).

    Raises:
        RasterError: a raster is unreadable, in degrees, or the grids differ (both files are named).
    """
    before, after = _open_both(before_path, after_path)
    found = [
        pd.DataFrame({"value": values, **_sums(numbers, values.size, first, before, strength_path)})
        for first, numbers, values in _numbered_pairs(before, after)
    ]
    counts = pd.concat(found, ignore_index=True).groupby("value", sort=True).sum().reset_index()
    counts = counts[(counts["value"] != 0) & (counts["cells"] > 0)].reset_index(drop=True)
    if out is not None:
        _write_change(Path(out), before, after, counts["value"].to_numpy())
    table = _class_columns(counts["value"], before, after)
    table = table.assign(cells=counts["cells"], area_m2=counts["cells"] * before.cell_area_m2)
    if strength_path is None:
        return table
    expected = counts["chance"] * before.cell_area_m2
    return table.assign(
        strength=(100 * counts["chance"] / counts["cells"]).round(1), expected_area_m2=expected.round(2)
    )


def _sums(
    numbers: NDArray[np.int32], pairs: int, first_row: int, grid_of_cells: ClassMap, strength_path: Path | None
) -> dict[str, NDArray]:
    """Cells of each pair of a strip and, where the strength is known, the sum of their chances of a change."""
    cells = np.bincount(numbers.ravel(), minlength=pairs)
    if strength_path is None:
        return {"cells": cells}
    with open_raster(strength_path) as source:
        check_same_grid(grid_of_cells.path, grid_of_cells.grid, strength_path, grid_of(source, strength_path))
        window = Window(0, first_row, numbers.shape[1], numbers.shape[0])
        percents = read_bands(source, strength_path, [1], window)[0]
    chances = np.where(percents <= FULL_STRENGTH, percents, 0) / FULL_STRENGTH
    return {"cells": cells, "chance": np.bincount(numbers.ravel(), weights=chances.ravel(), minlength=pairs)}


def zonal_transitions(before_path: Path, after_path: Path, zones: gpd.GeoDataFrame, zone_field: str) -> pd.DataFrame:
    """Area of what each class became in each zone.

    Args:
        before_path: class raster, 0 = no data.
        after_path: class raster on the same grid.
        zones: polygons; a cell on a zone's border counts by the share of it inside.
        zone_field: column that names the zones.

    Returns:
        `zone`, `from_class`, `to_class` (codes), `area_m2`, unchanged classes included.

    Raises:
        RasterError: a raster is unreadable, in degrees, or the grids differ.
        ZoneError: the zones lack the field, a name or a projection.
    """
    before, after = _open_both(before_path, after_path)
    counts = count_by_zone(_numbered_pairs(before, after), zones, zone_field, before.grid)
    table = _class_columns(counts["value"], before, after)
    table.insert(0, "zone", counts["zone"])
    return table.assign(area_m2=counts["cells"] * before.cell_area_m2)


def _open_both(before_path: Path, after_path: Path) -> tuple[ClassMap, ClassMap]:
    before, after = open_class_map(before_path), open_class_map(after_path)
    check_same_grid(before.path, before.grid, after.path, after.grid)
    return before, after


def _strip_pairs(before: ClassMap, after: ClassMap) -> Iterator[tuple[int, NDArray[np.uint16], NDArray[np.uint16]]]:
    rows = rows_at_once(before.grid)
    for (first, earlier), (_, later) in zip(before.strips(rows), after.strips(rows), strict=True):
        yield first, earlier, later


def _numbered_pairs(before: ClassMap, after: ClassMap) -> Iterator[tuple[int, NDArray[np.int32], NDArray[np.int64]]]:
    """Number the pairs of classes of each strip; a pair with no data has value 0."""
    for first, earlier, later in _strip_pairs(before, after):
        earlier_numbers, earlier_values = number_values(earlier)
        later_numbers, later_values = number_values(later)
        pairs = earlier_values[:, None] * VALUE_COUNT + later_values
        pairs[(earlier_values == 0), :] = 0
        pairs[:, (later_values == 0)] = 0
        numbers = earlier_numbers * np.int32(later_values.size) + later_numbers
        yield first, *_keep_present(numbers, pairs.ravel())


def _keep_present(numbers: NDArray[np.int32], values: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Drop the numbers that no cell carries: few of the possible pairs of classes are found."""
    present = np.flatnonzero(np.bincount(numbers.ravel(), minlength=values.size))
    renumbered = np.zeros(values.size, np.int32)
    renumbered[present] = np.arange(present.size)
    return renumbered[numbers], values[present]


def _class_columns(pairs: pd.Series, before: ClassMap, after: ClassMap) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "from_class": [before.code_of(value) for value in pairs // VALUE_COUNT],
            "to_class": [after.code_of(value) for value in pairs % VALUE_COUNT],
        },
        dtype=object,
    )


def _write_change(out: Path, before: ClassMap, after: ClassMap, pairs: NDArray[np.int64]) -> None:
    earlier_codes = {int(value): before.code_of(value) for value in np.unique(pairs // VALUE_COUNT)}
    later_codes = {int(value): after.code_of(value) for value in np.unique(pairs % VALUE_COUNT)}
    value_of = common_values([earlier_codes, later_codes])
    earlier_table, later_table = _renumbering(earlier_codes, value_of), _renumbering(later_codes, value_of)
    with written_as_cog(out, before.grid, dtype="uint32", nodata=0) as target:
        for first, earlier, later in _strip_pairs(before, after):
            change = earlier_table[earlier] * np.uint32(VALUE_COUNT) + later_table[later]
            change[(earlier == 0) | (later == 0)] = 0
            target.write(change, 1, window=Window(0, first, before.grid.width, len(change)))
        target.set_band_description(1, CHANGE_DESCRIPTION)
        target.update_tags(**{TAG: json.dumps({value: code for code, value in value_of.items()})})


def _renumbering(codes: dict[int, str], value_of: dict[str, int]) -> NDArray[np.uint32]:
    table = np.zeros(VALUE_COUNT, np.uint32)
    for value, code in codes.items():
        table[value] = value_of[code]
    return table
