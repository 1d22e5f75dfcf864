"""Relative suitability of a species over rasters."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.compute.cogs import written_as_cog
from ml.compute.distribution import DistributionModel
from ml.compute.errors import DistributionError
from ml.compute.stacks import Stack, StackReader, open_stack

WINDOW_CELLS = 512
NO_DATA = 255
FULL_SUITABILITY = 100


def map_suitability(model: DistributionModel, stack_paths: Sequence[Path], out: Path) -> int:
    """Write the relative suitability of every cell.

    Args:
        model: fitted.
        stack_paths: rasters of one grid; band descriptions name the predictors, other bands are ignored.
        out: uint8 COG to write: 0-100, 255 where any predictor has no data.

    Returns:
        How many cells have a value.

    Raises:
        StackError: a raster is unreadable or lies on another grid.
        DistributionError: a predictor of the model is in no band.
    """
    stack = open_stack(stack_paths)
    _check_bands(model, stack)
    written = 0
    with (
        StackReader(stack) as reader,
        written_as_cog(out, stack.grid, dtype="uint8", nodata=NO_DATA, overviews="average") as target,
    ):
        for window in stack.grid.windows(WINDOW_CELLS):
            suitability = _suit_window(model, stack, reader.read(window))
            written += int((suitability != NO_DATA).sum())
            target.write(suitability, 1, window=window)
        target.set_band_description(1, "relative suitability 0-100, not a probability")
    return written


def _check_bands(model: DistributionModel, stack: Stack) -> None:
    labels = {band.label for series in stack.series for band in series.bands}
    missing = [name for name in model.encoder.columns if name not in labels]
    if missing:
        raise DistributionError(
            f"{stack.paths[0]}: no band described '{missing[0]}' (bands: {', '.join(sorted(labels))}); "
            "add the raster that holds it, or name its band so."
        )


def _suit_window(model: DistributionModel, stack: Stack, values: list[NDArray[np.float32]]) -> NDArray[np.uint8]:
    planes = {
        band.label: plane
        for series, block in zip(stack.series, values, strict=True)
        for band, plane in zip(series.bands, block, strict=True)
    }
    used = {name: planes[name] for name in model.encoder.columns}
    known = np.logical_and.reduce([np.isfinite(plane) for plane in used.values()])
    suitability = np.full(known.shape, NO_DATA, np.uint8)
    if known.any():
        cells = pd.DataFrame({name: plane[known] for name, plane in used.items()})
        suitability[known] = np.rint(FULL_SUITABILITY * model.predict_proba(cells)[:, 1])
    return suitability
