"""The map of doubt: how little the best class of a cell stands out."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.compute.cogs import written_as_cog
from ml.compute.map_products import Hesitation, MapProducts

NO_DOUBT = 255


def doubt_of(percents: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Doubt of cells from the shares of their best classes.

    The margin between the first and the second class: 0 where one class has everything, 100 where two stand level.

    Args:
        percents: (ranks, ...) shares 0-100 of the best classes, largest first.

    Returns:
        (...) 0-100.
    """
    first, second = percents[0].astype(np.int16), percents[1].astype(np.int16)
    return np.clip(100 - (first - second), 0, 100).astype(np.uint8)


def doubt_plane(hesitation: Hesitation) -> NDArray[np.uint8]:
    """(rows, columns) doubt of a window, NO_DOUBT without a class."""
    return np.where(hesitation.is_mapped, doubt_of(hesitation.percents), NO_DOUBT).astype(np.uint8)


def write_doubt(products: MapProducts, out: Path) -> dict[str, Any]:
    """Write the raster of doubt, window by window.

    Args:
        products: the map.
        out: uint8 COG, 0-100, 255 = no data; replaced as a whole.

    Returns:
        Counts for the run's record: cells_mapped, mean_doubt, and the share of cells with a doubt of 50 or more.

    Raises:
        ComputeError: a raster is damaged, or the disk is full.
    """
    counts = np.zeros(256, np.int64)
    with written_as_cog(out, products.grid, dtype="uint8", nodata=NO_DOUBT) as target:
        target.descriptions = ("doubt",)
        for window, hesitation in products.windows():
            plane = doubt_plane(hesitation)
            counts += np.bincount(plane.ravel(), minlength=256)
            target.write(plane, 1, window=window)
    known = counts[:101]
    total = max(1, int(known.sum()))
    return {
        "cells_mapped": int(known.sum()),
        "mean_doubt": round(float((known * np.arange(101)).sum() / total), 2),
        "doubtful_share": round(float(known[50:].sum() / total), 4),
    }
