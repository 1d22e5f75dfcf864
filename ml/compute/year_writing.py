"""What comes out when the maps of several years are weighed together, written strip by strip."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetWriter
from rasterio.windows import Window

from ml.compute.class_rasters import ClassMap, common_values
from ml.compute.classmaps import HIGHEST_PALETTE_VALUE, TAG, dtype_of, palette_of
from ml.compute.cogs import written_as_cog
from ml.compute.grids import open_raster
from ml.compute.stability import UNKNOWN_STRENGTH
from ml.compute.year_maps import YearSeries

STRENGTH_DESCRIPTION = "chance (%) that the class differs from the year before"
RUNNER_UP_BANDS = ("runner_up_1", "runner_up_1_share", "runner_up_2", "runner_up_2_share")
NO_CONFIDENCE = 255


@dataclass(frozen=True)
class StabilityOutputs:
    """The rasters to write.

    Attributes:
        classes: one class raster for each year, in order; None for a year that is not wanted, empty for none at all.
        strength: uint8, a band for each step from a year to the next: chance 0-100 that the class differs, 255 where
            one of the two years has no data; None where it is not wanted.
        last_confidence: uint8, chance 0-100 of the last year's class, all years weighed, 255 = no data; or None.
        last_runner_ups: as `classify_stack` writes them, of the last year, all years weighed; or None.
    """

    classes: tuple[Path | None, ...] = ()
    strength: Path | None = None
    last_confidence: Path | None = None
    last_runner_ups: Path | None = None


@dataclass(frozen=True)
class WeighedStrip:
    """Rows of the grid, as mapped and as weighed; class numbers count from 1, 0 is no data.

    Attributes:
        window: the rows.
        mapped: (years, rows, columns) class numbers as the maps have them.
        labels: (years, rows, columns) as weighed.
        strengths: (years - 1, rows, columns) chance of a change in percent, 255 where unknown.
        ranks: (3, rows, columns) class of the last year as weighed, then the two likeliest others.
        percents: (3, rows, columns) their chances.
    """

    window: Window
    mapped: NDArray[np.uint16]
    labels: NDArray[np.uint16]
    strengths: NDArray[np.uint8]
    ranks: NDArray[np.uint16]
    percents: NDArray[np.uint8]


class YearWriter:
    """The outputs, open."""

    def __init__(self, series: YearSeries, values: dict[str, int]) -> None:
        self._table = np.array([0, *(values[code] for code in series.codes)], np.uint16)
        self.classes: list[tuple[int, DatasetWriter]] = []
        self.strength: DatasetWriter | None = None
        self.confidence: DatasetWriter | None = None
        self.runner_ups: DatasetWriter | None = None

    def write(self, strip: WeighedStrip) -> None:
        """Write a strip to every output that is wanted."""
        for year, target in self.classes:
            target.write(self._table[strip.labels[year]].astype(target.dtypes[0]), 1, window=strip.window)
        if self.strength is not None:
            self.strength.write(strip.strengths, window=strip.window)
        if self.confidence is not None:
            confidence = np.where(strip.ranks[0] > 0, strip.percents[0], NO_CONFIDENCE).astype(np.uint8)
            self.confidence.write(confidence, 1, window=strip.window)
        if self.runner_ups is not None:
            values, shares = self._table[strip.ranks], strip.percents.astype(np.uint16)
            self.runner_ups.write(np.stack([values[1], shares[1], values[2], shares[2]]), window=strip.window)


@contextmanager
def written_years(outputs: StabilityOutputs, series: YearSeries) -> Iterator[YearWriter]:
    """Open the outputs; they take the place of earlier ones when the block ends well.

    Values are the maps' own where they agree, else 1..K in the order of the codes.
    """
    values = _output_values(series)
    tag = {TAG: json.dumps({str(value): code for code, value in values.items()}, ensure_ascii=False)}
    writer = YearWriter(series, values)
    with ExitStack() as stack:

        def opened(path: Path, dtype: str, nodata: int, bands: tuple[str, ...]) -> DatasetWriter:
            cog = written_as_cog(path, series.grid, dtype=dtype, nodata=nodata, count=len(bands))
            target = stack.enter_context(cog)
            target.descriptions = bands
            return target

        narrowest = dtype_of(list(values.values())).__name__
        for year, path in enumerate(outputs.classes):
            if path is not None:
                target = opened(path, narrowest, 0, ("class",))
                target.update_tags(**tag)
                _color(target, series.maps[-1], values)
                writer.classes.append((year, target))
        if outputs.strength is not None:
            steps = (STRENGTH_DESCRIPTION,) * (len(series.years) - 1)
            writer.strength = opened(outputs.strength, "uint8", UNKNOWN_STRENGTH, steps)
        if outputs.last_confidence is not None:
            writer.confidence = opened(outputs.last_confidence, "uint8", NO_CONFIDENCE, ("confidence",))
        if outputs.last_runner_ups is not None:
            writer.runner_ups = opened(outputs.last_runner_ups, "uint16", 0, RUNNER_UP_BANDS)
            writer.runner_ups.update_tags(**tag)
        yield writer


def _output_values(series: YearSeries) -> dict[str, int]:
    return common_values(
        [
            {int(value): series.codes[numbers[value] - 1] for value in np.flatnonzero(numbers)}
            for numbers in series.numbers
        ]
    )


def _color(target: DatasetWriter, like: ClassMap, values: dict[str, int]) -> None:
    """Give a class raster the colours of another, where it can have a colour table."""
    if max(values.values(), default=0) > HIGHEST_PALETTE_VALUE:
        return
    with open_raster(like.path) as source:
        try:
            table = source.colormap(1)
        except ValueError:  # it has none
            table = {}
    colors = {like.code_of(value): "#{:02x}{:02x}{:02x}".format(*color[:3]) for value, color in table.items()}
    target.write_colormap(1, palette_of(values, colors))
