"""Samples that contradict one another, or what all the others say of their place: found and listed, never dropped."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.compute.hierarchy import NO_HIERARCHY, Hierarchy
from ml.compute.samples import Cells

SAME_PLACE, OTHER_DATE, OTHER_HABITAT = "same_place", "other_date", "other_habitat"
KINDS = (SAME_PLACE, OTHER_DATE, OTHER_HABITAT)
COLUMNS = (
    "rank", "kind", "row", "key", "code", "date", "split", "other_row", "other_key", "other_code", "other_date",
    "cells", "confidence", "x", "y",
)  # fmt: skip


@dataclass(frozen=True)
class Contradiction:
    """One sample and what speaks against its code.

    Attributes:
        kind: `same_place` (another sample on the same cells), `other_date` (the same, observed on another day), or
            `other_habitat` (samples elsewhere that look alike have another code).
        sample: place of the sample.
        other: place of the sample that contradicts it; None for `other_habitat`.
        other_code: what speaks against its code.
        cells: cells that both cover, or cells of the sample that were judged.
        confidence: 0-1: share of the smaller sample that both cover, or mean held-out share of all that its code
            does not hold.
    """

    kind: str
    sample: int
    other: int | None
    other_code: str
    cells: int
    confidence: float


def overlapping_contradictions(
    samples: gpd.GeoDataFrame, cells: Cells, width: int, *, field: str = "code", hierarchy: Hierarchy = NO_HIERARCHY
) -> list[Contradiction]:
    """Pairs of samples on the same cells whose codes exclude each other.

    Args:
        samples: with the columns `field` and date (text, may be empty).
        cells: the cells that each sample covers; of polygons, those well inside.
        width: columns of the grid.
        field: the column of the codes.
        hierarchy: the legend's tree: a code and its ancestor agree.

    Returns:
        The pairs, each once, the earlier row first.
    """
    codes = samples[field].astype(str).to_numpy(object)
    dates = samples["date"].astype(str).to_numpy(object) if "date" in samples else np.full(len(samples), "", object)
    sizes = np.bincount(cells.samples, minlength=len(samples))
    found = []
    for (first, second), shared in _shared_cells(cells, width):
        if hierarchy.are_related(codes[first], codes[second]):
            continue
        differs = dates[first] and dates[second] and dates[first] != dates[second]
        confidence = shared / max(1, min(sizes[first], sizes[second]))
        kind = OTHER_DATE if differs else SAME_PLACE
        found.append(Contradiction(kind, first, second, codes[second], shared, confidence))
    return found


def _shared_cells(cells: Cells, width: int) -> list[tuple[tuple[int, int], int]]:
    """Pairs of samples and the number of cells that both cover."""
    order = np.lexsort((cells.samples, cells.places(width)))
    places, samples = cells.places(width)[order], cells.samples[order]
    pairs = []
    for step in range(1, int(np.unique(places, return_counts=True)[1].max(initial=1))):
        together = np.flatnonzero(places[step:] == places[:-step])
        pairs.append(np.column_stack([samples[together], samples[together + step]]))
    if not pairs:
        return []
    found, counts = np.unique(np.concatenate(pairs), axis=0, return_counts=True)
    return [((first, second), count) for (first, second), count in zip(found.tolist(), counts.tolist(), strict=True)]


def held_out_contradictions(
    shares: NDArray[np.float32],
    classes: NDArray[np.intp],
    samples: NDArray[np.intp],
    codes: Sequence[str],
    *,
    hierarchy: Hierarchy = NO_HIERARCHY,
) -> list[Contradiction]:
    """Samples whose code the learner, not having seen their block, would have written otherwise.

    The least expected first, by the mean share of the code written together with its ancestors and descendants.

    Args:
        shares: (cells, classes) held-out shares.
        classes: (cells,) place of the class written.
        samples: (cells,) the sample of each cell.
        codes: (classes,) code by place.
        hierarchy: the legend's tree.

    Returns:
        The suspects, the most suspect first.
    """
    if not samples.size:
        return []
    judged, where, counts = np.unique(samples, return_inverse=True, return_counts=True)
    where = where.reshape(-1)
    means = np.column_stack([np.bincount(where, column) / counts for column in shares.T])
    written = np.zeros(judged.size, np.intp)
    written[where] = classes
    related = hierarchy.relations(codes)[written]
    own = np.where(related, means, 0).sum(axis=1)
    others = np.where(related, -1.0, means)
    best = others.argmax(axis=1)
    suspects = np.flatnonzero(others[np.arange(judged.size), best] > own)
    return [
        Contradiction(OTHER_HABITAT, int(judged[one]), None, codes[best[one]], int(counts[one]), float(1 - own[one]))
        for one in suspects[np.argsort(own[suspects], kind="stable")]
    ]


def contradiction_table(
    found: Sequence[Contradiction], samples: gpd.GeoDataFrame, *, field: str = "code"
) -> gpd.GeoDataFrame:
    """The contradictions as a table, the most certain of each kind first.

    Args:
        found: the contradictions.
        samples: the file they were found in; a column key is told where present.
        field: the column of the codes.

    Returns:
        COLUMNS and geometry: rows counted from 1, x and y of a point inside the sample, in the samples' CRS.
    """
    ordered = sorted(found, key=lambda one: (KINDS.index(one.kind), -one.confidence, one.sample))
    rows = [
        {
            "rank": rank,
            "kind": one.kind,
            **_said(samples, one.sample, field, ""),
            "split": _text(samples, "split", one.sample),
            **_said(samples, one.other, field, "other_"),
            "other_code": one.other_code,
            "cells": one.cells,
            "confidence": round(one.confidence, 3),
        }
        for rank, one in enumerate(ordered, 1)
    ]
    points = samples.geometry.iloc[[one.sample for one in ordered]].representative_point().reset_index(drop=True)
    table = pd.DataFrame(rows, columns=[column for column in COLUMNS if column not in ("x", "y")])
    table["other_row"] = table["other_row"].astype("Int64")
    return gpd.GeoDataFrame(table.assign(x=points.x.round(2), y=points.y.round(2)), geometry=points, crs=samples.crs)


def _said(samples: gpd.GeoDataFrame, place: int | None, field: str, prefix: str) -> dict[str, object]:
    """Row, key, code and date of a sample."""
    if place is None:
        return {f"{prefix}row": None, f"{prefix}key": "", f"{prefix}date": ""}
    return {
        f"{prefix}row": place + 1,
        f"{prefix}key": _text(samples, "key", place),
        f"{prefix}code": _text(samples, field, place),
        f"{prefix}date": _text(samples, "date", place),
    }


def _text(samples: gpd.GeoDataFrame, column: str, place: int) -> str:
    return str(samples[column].iloc[place]) if column in samples else ""
