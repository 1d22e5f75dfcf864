"""Very high resolution imagery as texture measures of the region's cells, by windows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ml.compute.predictors import texture_kernel as kernel
from ml.compute.predictors.errors import PredictorError
from ml.compute.predictors.fine_images import FineImages
from ml.compute.predictors.outputs import LEVELS, OutputBand, OutputFile, finest_step, levels_of
from ml.compute.predictors.places import Place
from ml.compute.predictors.recipe_keys import choices_of, file_of, require_known_keys, window_of
from ml.compute.predictors.sections import Levels, Planes, as_plain
from ml.compute.region.keys import positive_of, text_of, value_of

KEYS = (
    "file", "source", "bands", "measures", "range", "levels", "edge_above", "shadow_below", "name", "licence",
    "window_px",
)  # fmt: skip
# Shares of the range where the recipe gives no value.
EDGE_SHARE, SHADOW_SHARE = 0.05, 0.1
FEWEST_LEVELS, MOST_LEVELS, DEFAULT_LEVELS = 2, 256, 16
# A cell with fewer of its pixels than this share is not measured.
FEWEST_PIXELS = 0.5

Sums = NDArray[np.float64]


def _deviation(sums: Sums) -> Sums:
    mean = sums[..., kernel.VALUE] / sums[..., kernel.COUNT]
    variance: Sums = sums[..., kernel.SQUARE] / sums[..., kernel.COUNT] - mean**2
    return np.sqrt(np.maximum(variance, 0))


MEASURES: dict[str, Callable[[Sums], Sums]] = {
    "mean": lambda sums: sums[..., kernel.VALUE] / sums[..., kernel.COUNT],
    "deviation": _deviation,
    "contrast": lambda sums: np.sqrt(sums[..., kernel.CONTRAST] / sums[..., kernel.PAIRS]),
    "homogeneity": lambda sums: sums[..., kernel.LIKENESS] / sums[..., kernel.PAIRS],
    "edges": lambda sums: sums[..., kernel.EDGES] / sums[..., kernel.COUNT],
    "shadow": lambda sums: sums[..., kernel.SHADOWS] / sums[..., kernel.COUNT],
}
ENTROPY = "entropy"
# In the image's own unit; the others are shares.
IN_IMAGE_UNITS = ("mean", "deviation", "contrast")
ALL_MEASURES = (*MEASURES, ENTROPY)


@dataclass(frozen=True)
class TextureSection:
    """One [[texture]]; `value_range` and the thresholds are None where the image decides."""

    file: str
    source: str
    bands: tuple[str, ...]
    measures: tuple[str, ...]
    value_range: tuple[float, float] | None
    levels: int
    edge_above: float | None
    shadow_below: float | None
    name: str
    licence: str
    window_px: int
    where: str

    def parameters(self) -> dict[str, Any]:
        """All that decides its values."""
        kept = {key: value for key, value in asdict(self).items() if key not in ("where", "window_px", "licence")}
        return as_plain(kept)

    def local_inputs(self, place: Place) -> list[Path]:
        """The images; where two overlap, the first one that has a value gives it.

        Raises:
            PredictorError: no file has that name.
        """
        paths = place.find(self.source)
        if not paths:
            raise PredictorError(f"{self.where}: no file is called '{self.source}'; correct the key 'source'.")
        return paths

    def open(self, place: Place) -> "OpenTexture":
        """Open the images."""
        return OpenTexture(self, place)


def texture_section(table: Mapping[str, Any], where: str) -> TextureSection:
    """Read a [[texture]] section.

    Raises:
        PredictorError: a key is missing or wrong.
    """
    require_known_keys(table, KEYS, where)
    levels = int(value_of(table, "levels", int, where, DEFAULT_LEVELS))
    if not FEWEST_LEVELS <= levels <= MOST_LEVELS:
        raise PredictorError(f"{where}: the key 'levels' is {levels}; write {FEWEST_LEVELS} to {MOST_LEVELS}.")
    bands = value_of(table, "bands", list, where, [1])
    if not bands or not all(isinstance(one, (int, str)) for one in bands):
        raise PredictorError(f"{where}: the key 'bands' is {bands!r}; list names or numbers from 1.")
    return TextureSection(
        file=file_of(table, where),
        source=text_of(table, "source", where),
        bands=tuple(str(one) for one in bands),
        measures=choices_of(table, "measures", ALL_MEASURES, where, ALL_MEASURES),
        value_range=_range(table, where),
        levels=levels,
        edge_above=positive_of(table, "edge_above", where) if "edge_above" in table else None,
        shadow_below=float(value_of(table, "shadow_below", float, where)) if "shadow_below" in table else None,
        name=text_of(table, "name", where, "vhr"),
        licence=text_of(table, "licence", where, "unknown"),
        window_px=window_of(table, where, 512),
        where=where,
    )


def _range(table: Mapping[str, Any], where: str) -> tuple[float, float] | None:
    if "range" not in table:
        return None
    ends = value_of(table, "range", list, where)
    is_pair = len(ends) == 2 and all(isinstance(end, (int, float)) for end in ends)
    if not is_pair or not ends[0] < ends[1]:
        raise PredictorError(f"{where}: the key 'range' is {ends!r}; write the lowest and the highest value.")
    return float(ends[0]), float(ends[1])


class OpenTexture:
    """The images of a section, read in their own pixels."""

    remote_inputs: tuple[dict[str, Any], ...] = ()

    def __init__(self, section: TextureSection, place: Place) -> None:
        """Open the images and learn the range of each band.

        Raises:
            PredictorError: an image or a band is missing, or its pixels are no finer than the cells.
        """
        self._section = section
        paths = section.local_inputs(place)
        self._images = FineImages(paths, place.grid, section.bands, section.where)
        ranges = [section.value_range] * len(section.bands) if section.value_range else self._images.ranges()
        self._limits = [self._limits_of(low, high) for low, high in ranges]
        self.files = (OutputFile(section.file, tuple(self._output_bands(ranges))),)

    def close(self) -> None:
        """Close the images."""
        self._images.close()

    def levels(self, window: Window) -> Sequence[Levels]:
        """The measures of a window, band by band."""
        image, row_of, column_of = self._images.read(window)
        planes: list[Planes] = []
        for plane, limits in zip(image, self._limits, strict=True):
            planes += self._measure(plane, (row_of, column_of), limits, window)
        return [levels_of(planes, self.files[0])]

    def _measure(
        self,
        image: Planes,
        cells: tuple[NDArray[np.int64], NDArray[np.int64]],
        limits: NDArray[np.float64],
        window: Window,
    ) -> list[Planes]:
        shape = int(window.height), int(window.width)
        sums = np.zeros((*shape, kernel.SUMS))
        histogram = np.zeros((*shape, self._section.levels), np.int32)
        kernel.gather_pixels(image, *cells, sums, histogram, limits)
        enough = sums[..., kernel.COUNT] >= FEWEST_PIXELS * self._images.pixels_per_cell
        with np.errstate(invalid="ignore", divide="ignore"):
            planes = [
                kernel.entropies(histogram) if name == ENTROPY else MEASURES[name](sums)
                for name in self._section.measures
            ]
        return [np.where(enough, plane, np.nan).astype(np.float32) for plane in planes]

    def _limits_of(self, low: float, high: float) -> NDArray[np.float64]:
        section, width = self._section, high - low
        edge = EDGE_SHARE * width if section.edge_above is None else section.edge_above
        shadow = low + SHADOW_SHARE * width if section.shadow_below is None else section.shadow_below
        return np.array([low, width / section.levels, edge, shadow])

    def _output_bands(self, ranges: Sequence[tuple[float, float]]) -> list[OutputBand]:
        bands = []
        for name, (low, high) in zip(self._section.bands, ranges, strict=True):
            # Twice the range: a survey misses the brightest roofs.
            fine = finest_step(2 * max(abs(low), abs(high)) / LEVELS)
            bands += [
                OutputBand(f"{self._section.name}_{name}_{measure}", fine if measure in IN_IMAGE_UNITS else 1e-4)
                for measure in self._section.measures
            ]
        return bands
