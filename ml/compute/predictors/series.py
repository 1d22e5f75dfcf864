"""Series of images as predictors: masked, filled on regular steps, with spectral indices."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window

from ml.compute.predictors.errors import PredictorError
from ml.compute.predictors.filling import fill_regularly, ordinals, regular_steps
from ml.compute.predictors.indices import INDICES, with_stand_ins
from ml.compute.predictors.outputs import LEVELS, NODATA, OutputBand, OutputFile, to_levels, to_values
from ml.compute.predictors.places import Place
from ml.compute.predictors.sections import Levels, Planes, as_plain
from ml.compute.predictors.series_sources import CatalogueSource, FileSource
from ml.compute.predictors.stac_images import MaskRule

INDEX_SCALE = 1e-4
STRIP_ROWS = 64
MOST_BEYOND = 0.01
BAND_FIELD = "{band}"
QUALITY_FOLDER = "quality"
COUNT = "valid_dates"


class DatedImages(Protocol):
    """Where images come from."""

    days: tuple[date, ...]
    readers: int

    def read(self, day: date, window: Window) -> Planes:
        """(bands, rows, columns) of a day, NaN where there is no data or it is masked."""

    def close(self) -> None:
        """Close the files."""


@dataclass(frozen=True)
class SeriesSection:
    """One [[series]]; `step_days` 0 keeps the dates of the images, and their gaps."""

    file: str
    source: CatalogueSource | FileSource
    bands: Mapping[str, str]
    keep: tuple[str, ...]
    start: str
    end: str
    margin_days: int
    step_days: int
    smoothing_days: float
    mask: str
    masked_classes: tuple[int, ...]
    dilation_m: float
    scale: float
    licence: str
    window_px: int

    def parameters(self) -> dict[str, Any]:
        """All that decides its values."""
        kept = {key: value for key, value in asdict(self).items() if key not in ("window_px", "licence", "source")}
        return as_plain({**kept, "source": self.source.parameters()})

    def local_inputs(self, place: Place) -> list[Path]:
        """Local images; none from a catalogue."""
        return self.source.local_inputs(place)

    @property
    def is_split(self) -> bool:
        """Whether each band has a file of its own."""
        return BAND_FIELD in self.file

    def scale_of(self, name: str) -> float:
        """The step of a band or an index."""
        return self.scale if name in self.bands else INDEX_SCALE

    def period(self, year: int) -> tuple[date, date]:
        """First and last day of the steps in a year."""
        return _day(year, self.start), _day(year, self.end)

    def open(self, place: Place) -> "OpenSeries":
        """Find the images."""
        cell = place.grid.cell_width
        mask = MaskRule(self.mask, self.masked_classes, self.dilation_m / cell)
        start, end = self.period(place.year)
        margin = timedelta(days=self.margin_days)
        images, inputs = self.source.open(
            place, (start - margin, end + margin), tuple(self.bands.values()), mask, self.licence
        )
        return OpenSeries(self, place, images, inputs)


def _day(year: int, month_and_day: str) -> date:
    return date.fromisoformat(f"{year}-{month_and_day}")


class OpenSeries:
    """The images of a section, ready to be read."""

    def __init__(
        self, section: SeriesSection, place: Place, images: DatedImages, remote_inputs: Sequence[dict[str, Any]]
    ) -> None:
        """Choose the steps."""
        self._section, self._images, self.remote_inputs = section, images, remote_inputs
        start, end = section.period(place.year)
        # A series that keeps its dates keeps those of its own year: the margin only holds the ends of the steps.
        self.steps = (
            regular_steps(start, end, section.step_days)
            if section.step_days
            else tuple(day for day in images.days if start <= day <= end)
        )
        self._origin = start
        self._levels = OutputBand("", section.scale)
        self.files = _files(section, self.steps)

    def close(self) -> None:
        """Close the images."""
        self._images.close()

    def levels(self, window: Window) -> Sequence[Levels]:
        """The files' bands of a window, then the count of valid dates."""
        observed = self._observe(window)
        rows, columns = observed.shape[2:]
        filled = [np.empty((len(output.bands), rows, columns), np.int16) for output in self.files]
        # Numbers take twice the memory of levels: they live for a few rows at a time.
        for top in range(0, rows, STRIP_ROWS):
            strip = slice(top, top + STRIP_ROWS)
            self._fill_strip(observed[:, :, strip], [planes[:, strip] for planes in filled])
        return filled

    def _fill_strip(self, observed: Levels, out: Sequence[Levels]) -> None:
        """Fill some rows of every file, in place; `observed` is (bands, dates, rows, columns)."""
        section = self._section
        cells = observed.reshape(*observed.shape[:2], -1)
        out[-1][0] = (cells != NODATA).all(axis=0).sum(axis=0).reshape(out[-1].shape[1:])
        series = {name: self._fill(band) for name, band in zip(section.bands, cells, strict=True)}
        available = with_stand_ins(series)
        for place, name in enumerate(section.keep):
            values = series[name] if name in series else INDICES[name].of(available)
            # In one file the bands go date by date, as people read the names.
            target = out[place] if section.is_split else out[0][place :: len(section.keep)]
            target[:] = to_levels(values, OutputBand(name, section.scale_of(name))).reshape(target.shape)

    def _observe(self, window: Window) -> Levels:
        """(bands, dates, rows, columns) levels of the images."""
        shape = int(window.height), int(window.width)
        observed = np.empty((len(self._section.bands), len(self._images.days), *shape), np.int16)

        def keep(place: int) -> None:
            values = self._images.read(self._images.days[place], window)
            self._require_fit(values, self._images.days[place])
            observed[:, place] = to_levels(values, self._levels)

        with _quiet_warping(), ThreadPoolExecutor(self._images.readers) as pool:
            for _ in pool.map(keep, range(len(self._images.days))):
                pass
        return observed

    def _require_fit(self, values: Planes, day: date) -> None:
        """A glint beyond the levels is held at the last one; many such values are another unit."""
        highest = LEVELS * self._section.scale
        if (np.abs(values) > highest).mean() > MOST_BEYOND:
            raise PredictorError(
                f"{self._section.file}: the image of {day} has values up to {np.nanmax(np.abs(values)):g}, but levels "
                f"of {self._section.scale:g} end at {highest:g}; write 'source_scale' for files that do not say "
                "theirs, or a larger 'scale'."
            )

    def _fill(self, levels: NDArray[np.int16]) -> Planes:
        values = to_values(levels, self._levels)
        if not self._section.step_days:
            return values[[self._images.days.index(day) for day in self.steps]]
        days = ordinals(self._images.days, self._origin)
        return fill_regularly(values, days, ordinals(self.steps, self._origin), self._section.smoothing_days)


@contextmanager
def _quiet_warping() -> Iterator[None]:
    """Hush what rasterio says of its own buffers: its way to hush it forgets that other threads warp too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def _files(section: SeriesSection, steps: Sequence[date]) -> tuple[OutputFile, ...]:
    if not steps:
        raise PredictorError(f"{section.file}: no image lies between {section.start} and {section.end}; widen them.")
    labels = {
        name: tuple(OutputBand(f"{day}_{name}", section.scale_of(name)) for day in steps) for name in section.keep
    }
    stem = section.file.replace(f"_{BAND_FIELD}", "").replace(BAND_FIELD, "").removesuffix(".tif") or "series"
    # Where clouds were is no property of the ground: the count is kept apart from what a map is learned from.
    count = OutputFile(f"{QUALITY_FOLDER}/{stem}_{COUNT}.tif", (OutputBand(COUNT, 1.0, unit="dates"),))
    if section.is_split:
        series = [
            OutputFile(section.file.replace(BAND_FIELD, name), bands, "time_series") for name, bands in labels.items()
        ]
        return (*series, count)
    by_date = tuple(labels[name][step] for step in range(len(steps)) for name in section.keep)
    return OutputFile(section.file, by_date, "time_series"), count
