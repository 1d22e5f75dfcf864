"""Maps of successive years made to agree: changes that are real are kept, flicker is not."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.compute.patch_labels import label_patches
from ml.compute.stability import expected_transitions, rank_last_year, weigh_years
from ml.compute.transitions import FIRST_PERSISTENCE, learn_transitions, transition_matrix, weight_matrix
from ml.compute.year_maps import YearMap, YearSeries, open_year_maps
from ml.compute.year_writing import StabilityOutputs, WeighedStrip, written_years

LEARNING_CELLS = 1_000_000


@dataclass(frozen=True)
class StabilityRule:
    """How much evidence a change needs.

    Attributes:
        persistence: chance that a class stays as it is for a year, the same for all; None to learn it from the maps
            where all of them come with their runner-ups, else FIRST_PERSISTENCE: from classes alone, confusion
            cannot be told from change.
        weights: what people know of the changes, as `read_weights` gives it.
        min_patch_px: cells that changed into one class and touch by a side must be so many, or they did not change.
    """

    persistence: float | None = None
    weights: pd.DataFrame | None = None
    min_patch_px: int = 1


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
    totals = np.zeros(4, np.int64)
    with written_years(outputs, series) as writer:
        for strip in weighed_strips(series, chances, min_patch_px=rule.min_patch_px):
            totals += _count(strip.mapped, strip.labels)
            writer.write(strip)
    persistence = {code: round(float(chances[number, number]), 4) for number, code in enumerate(series.codes, 1)}
    cells, before, after, relabelled = (int(total) for total in totals)
    return StabilityCounts(cells, before, after, relabelled, persistence)


def _chances(series: YearSeries, rule: StabilityRule) -> NDArray[np.float64]:
    """(classes + 1, classes + 1) chance of each change within a year."""
    weights = weight_matrix(series.codes, rule.weights)
    if rule.persistence is not None or any(year.runner_ups is None for year in series.years):
        persistence = FIRST_PERSISTENCE if rule.persistence is None else rule.persistence
        return transition_matrix(np.full(len(weights), persistence), weights)
    classes, shares = series.sample(LEARNING_CELLS)
    return learn_transitions(lambda chances: expected_transitions(classes, shares, chances), weights)


def weighed_strips(
    series: YearSeries, chances: NDArray[np.float64], *, min_patch_px: int = 1
) -> Iterator[WeighedStrip]:
    """Weigh the years strip by strip.

    Rows beyond a strip are seen far enough for the size of a patch to be known: no seam shows.

    Args:
        series: the maps.
        chances: of each change.
        min_patch_px: fewest cells of a change.

    Yields:
        Strips from top to bottom.
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
        ranks, percents = rank_last_year(classes, shares, chances, labels[-1])
        above = int(window.row_off - seen.row_off)
        inner = (slice(None), slice(above, above + int(window.height)))
        yield WeighedStrip(
            window,
            mapped=classes[:, 0].reshape(-1, *shape)[inner],
            labels=labels.reshape(-1, *shape)[inner],
            strengths=strengths.reshape(-1, *shape)[inner],
            ranks=ranks.reshape(-1, *shape)[inner],
            percents=percents.reshape(-1, *shape)[inner],
        )


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
