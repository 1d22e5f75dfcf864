"""Maps of successive years made to agree: changes that are real are kept, flicker is not."""

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rasterio.io import DatasetWriter
from rasterio.windows import Window

from ml.compute.class_rasters import ClassMap, common_values
from ml.compute.classmaps import HIGHEST_PALETTE_VALUE, TAG, dtype_of, palette_of
from ml.compute.cogs import written_as_cog
from ml.compute.grids import open_raster
from ml.compute.minimum_unit import label_patches
from ml.compute.stability import UNKNOWN_STRENGTH, expected_transitions, weigh_years
from ml.compute.transitions import learn_transitions, transition_matrix, weight_matrix
from ml.compute.year_maps import YearMap, YearSeries, open_year_maps

LEARNING_CELLS = 1_000_000
STRENGTH_DESCRIPTION = "chance (%) that the class differs from the year before"


@dataclass(frozen=True)
class StabilityRule:
    """How much evidence a change needs.

    Attributes:
        persistence: chance that a class stays as it is for a year, the same for all; None to learn it from the maps.
        weights: what people know of the changes, as `read_weights` gives it.
        min_patch_px: cells that changed into one class and touch by a side must be so many, or they did not change.
    """

    persistence: float | None = None
    weights: pd.DataFrame | None = None
    min_patch_px: int = 1


@dataclass(frozen=True)
class StabilityOutputs:
    """The rasters to write.

    Attributes:
        classes: one class raster for each year, in order; empty where none is wanted.
        strength: uint8, a band for each step from a year to the next: chance 0-100 that the class differs, 255 where
            one of the two years has no data; None where it is not wanted.
    """

    classes: tuple[Path, ...] = ()
    strength: Path | None = None


@dataclass(frozen=True)
class StabilityCounts:
    """What the rule did.

    Attributes:
        cells: cells with data in the last year.
        changed_before: cells of the last step that differ between the maps as they were given.
        changed_after: those that differ in the outputs.
        relabelled: cells whose class in the last year is another than its map's.
        persistence: by code, chance to stay as it is for a year, as used.
    """

    cells: int
    changed_before: int
    changed_after: int
    relabelled: int
    persistence: dict[str, float]


def stabilise_maps(
    years: Sequence[YearMap], outputs: StabilityOutputs, rule: StabilityRule | None = None
) -> StabilityCounts:
    """Weigh the maps of successive years together and write what each year was.

    Args:
        years: maps of one grid, the earliest first.
        outputs: the rasters to write; values are the maps' own where they agree, else 1..K in the order of codes.
        rule: how much evidence a change needs.

    Returns:
        Counts, for a record.

    Raises:
        ComputeError: a raster or the table of changes cannot be used, or the disk is full; outputs stay as they were.
    """
    series = open_year_maps(years)
    rule = rule or StabilityRule()
    chances = _chances(series, rule)
    values = _output_values(series)
    totals = np.zeros(4, np.int64)
    with ExitStack() as stack:
        targets = [stack.enter_context(_class_target(path, series, values)) for path in outputs.classes]
        strength = stack.enter_context(_strength_target(outputs.strength, series)) if outputs.strength else None
        table = np.array([0, *(values[code] for code in series.codes)], np.uint16)
        for window, mapped, labels, strengths in weighed_strips(series, chances, min_patch_px=rule.min_patch_px):
            totals += _count(mapped, labels)
            for target, label in zip(targets, labels, strict=False):
                target.write(table[label].astype(target.dtypes[0]), 1, window=window)
            if strength is not None:
                strength.write(strengths, window=window)
    persistence = {code: round(float(chances[number, number]), 4) for number, code in enumerate(series.codes, 1)}
    return StabilityCounts(*(int(total) for total in totals), persistence)


def _chances(series: YearSeries, rule: StabilityRule) -> NDArray[np.float64]:
    """(classes + 1, classes + 1) chance of each change within a year."""
    weights = weight_matrix(series.codes, rule.weights)
    if rule.persistence is not None:
        return transition_matrix(np.full(len(weights), rule.persistence), weights)
    classes, shares = series.sample(LEARNING_CELLS)
    return learn_transitions(lambda chances: expected_transitions(classes, shares, chances), weights)


def weighed_strips(
    series: YearSeries, chances: NDArray[np.float64], *, min_patch_px: int = 1
) -> Iterator[tuple[Window, NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint8]]]:
    """Weigh the years strip by strip.

    Rows beyond a strip are seen far enough for the size of a patch to be known: no seam shows.

    Args:
        series: the maps.
        chances: of each change.
        min_patch_px: fewest cells of a change.

    Yields:
        The strip; (years, rows, columns) class numbers as mapped, and as weighed; (years - 1, rows, columns) chance
        of a change in percent, 255 where unknown.
    """
    rounds = len(series.years) - 1 if min_patch_px > 1 else 0
    for window in series.windows():
        seen = series.grid.padded(window, rounds * min_patch_px)
        classes, shares = series.read(seen)
        shape = (int(seen.height), int(seen.width))
        labels, strengths = weigh_years(classes, shares, chances)
        frozen = np.zeros(strengths.shape, bool)
        for _round in range(rounds):
            small = _small_changes(labels.reshape(-1, *shape), min_patch_px).reshape(frozen.shape)
            if not small.any():
                break
            frozen |= small
            labels, _strengths = weigh_years(classes, shares, chances, frozen)
        above = int(window.row_off - seen.row_off)
        rows = slice(above, above + int(window.height))
        strip = (grid_of_cells.reshape(-1, *shape)[:, rows] for grid_of_cells in (classes[:, 0], labels, strengths))
        yield window, *strip


def _small_changes(labels: NDArray[np.uint16], min_patch_px: int) -> NDArray[np.bool_]:
    """(years - 1, rows, columns) cells of the patches under the least size, of each step."""
    small = np.zeros((len(labels) - 1, *labels.shape[1:]), bool)
    for step, (before, after) in enumerate(itertools.pairwise(labels)):
        became = np.where((before != after) & (before > 0), after, 0).astype(np.uint16)
        patches, sizes = label_patches(became)
        small[step] = (patches > 0) & (sizes[patches] < min_patch_px)
    return small


def _count(mapped: NDArray[np.uint16], labels: NDArray[np.uint16]) -> NDArray[np.int64]:
    seen = (mapped[-1] > 0) & (mapped[-2] > 0)
    return np.array(
        [
            (mapped[-1] > 0).sum(),
            (seen & (mapped[-1] != mapped[-2])).sum(),
            (seen & (labels[-1] != labels[-2])).sum(),
            (labels[-1] != mapped[-1]).sum(),
        ]
    )


def _output_values(series: YearSeries) -> dict[str, int]:
    return common_values(
        [
            {int(value): series.codes[numbers[value] - 1] for value in np.flatnonzero(numbers)}
            for numbers in series.numbers
        ]
    )


def _colors(class_map: ClassMap) -> dict[str, str]:
    """`#rrggbb` by code, as the colour table of a class raster says."""
    with open_raster(class_map.path) as source:
        try:
            table = source.colormap(1)
        except ValueError:  # it has none
            return {}
    return {class_map.code_of(value): "#{:02x}{:02x}{:02x}".format(*color[:3]) for value, color in table.items()}


@contextmanager
def _class_target(path: Path, series: YearSeries, values: dict[str, int]) -> Iterator[DatasetWriter]:
    with written_as_cog(path, series.grid, dtype=dtype_of(list(values.values())).__name__, nodata=0) as target:
        target.set_band_description(1, "class")
        target.update_tags(**{TAG: json.dumps({str(v): code for code, v in values.items()}, ensure_ascii=False)})
        if max(values.values(), default=0) <= HIGHEST_PALETTE_VALUE:
            target.write_colormap(1, palette_of(values, _colors(series.maps[-1])))
        yield target


@contextmanager
def _strength_target(path: Path, series: YearSeries) -> Iterator[DatasetWriter]:
    steps = len(series.years) - 1
    with written_as_cog(path, series.grid, dtype="uint8", nodata=UNKNOWN_STRENGTH, count=steps) as target:
        for step in range(steps):
            target.set_band_description(step + 1, STRENGTH_DESCRIPTION)
        yield target
