"""The map with parents where children are unsure, made from the published rasters."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.compute.classmaps import TAG, class_codes, dtype_of, palette_of, with_more_codes
from ml.compute.cogs import written_as_cog
from ml.compute.errors import LegendError
from ml.compute.fallback import Branches, fall_back
from ml.compute.hierarchy import Hierarchy
from ml.compute.map_products import NO_CONFIDENCE, Hesitation, MapProducts
from ml.compute.region.legend import LegendRow


class FallbackMap:
    """What each cell of a map is published as."""

    def __init__(self, products: MapProducts, legend: Sequence[LegendRow], threshold: int) -> None:
        """Bind a legend to a map.

        Raises:
            LegendError: no class of the map has a parent there.
        """
        hierarchy = Hierarchy.of_legend(legend)
        codes = class_codes(products.classes.path)
        if hierarchy.depth(list(codes.values())) == 1:
            raise LegendError(
                f"{products.classes.path}: no class of the map has a parent in the legend; fill its column parent_code."
            )
        self.branches = Branches.of_classes(list(codes.values()), hierarchy)
        self.values = with_more_codes({code: value for value, code in codes.items()}, self.branches.codes)
        self.colors = {row.code: row.color for row in legend if row.code in self.values}
        self.threshold = threshold
        self._place_of = np.full(65536, -1, np.intp)
        self._place_of[list(codes)] = np.arange(len(codes))
        self._value_of = np.array([self.values[code] for code in self.branches.codes] + [0], np.uint16)

    def publish(self, hesitation: Hesitation) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """(rows, columns) published values, 0 = no data, and their support 0-100, NO_CONFIDENCE without data."""
        shape = hesitation.values.shape[1:]
        ranks = self._place_of[hesitation.values.reshape(3, -1).T]
        codes, support = fall_back(ranks, hesitation.percents.reshape(3, -1).T, self.branches, self.threshold)
        percents = np.where(codes < 0, NO_CONFIDENCE, support).astype(np.uint8)
        return self._value_of[codes].reshape(shape), percents.reshape(shape)


def write_fallback(
    products: MapProducts, legend: Sequence[LegendRow], threshold: int, out: Path, *, support: Path | None = None
) -> dict[str, Any]:
    """Write the map with parents, window by window.

    Args:
        products: the map.
        legend: with parents.
        threshold: percent that a code needs, 1-100.
        out: class raster COG with its CLASSES tag; classes keep the values of the map, parents have new ones.
        support: uint8 COG, 0-100, 255 = no data; None where it is not wanted.

    Returns:
        Counts for the run's record: cells_mapped, cells_at_parent, values by code.

    Raises:
        ComputeError: the legend has no parent for the map, a raster is damaged, or the disk is full.
    """
    rule = FallbackMap(products, legend, threshold)
    kind = np.dtype(dtype_of(list(rule.values.values()))).name
    mapped = raised = 0
    with ExitStack() as files:
        codes = files.enter_context(written_as_cog(out, products.grid, dtype=kind, nodata=0))
        _describe(codes, rule, kind)
        percents = None
        if support is not None:
            percents = files.enter_context(written_as_cog(support, products.grid, dtype="uint8", nodata=NO_CONFIDENCE))
        for window, hesitation in products.windows():
            published, shares = rule.publish(hesitation)
            mapped += int(hesitation.is_mapped.sum())
            raised += int((published != hesitation.values[0]).sum())
            codes.write(published.astype(kind), 1, window=window)
            if percents is not None:
                percents.write(shares, 1, window=window)
    return {"cells_mapped": mapped, "cells_at_parent": raised, "values": rule.values}


def _describe(target: Any, rule: FallbackMap, kind: str) -> None:
    target.descriptions = ("class",)
    names = {str(value): code for code, value in rule.values.items()}
    target.update_tags(**{TAG: json.dumps(names, ensure_ascii=False)})
    if kind == "uint8":
        target.write_colormap(1, palette_of(rule.values, rule.colors))
