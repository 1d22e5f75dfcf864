"""Spectral indices of Sentinel-2 bands: their formulas, and the bands they need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.compute.planes import normalised_difference

Planes = NDArray[np.float32]
Reflectances = Mapping[str, Planes]
# A denominator nearer to zero than this is shadow or water without signal: the index says nothing there.
SMALLEST_DENOMINATOR = np.float32(1e-4)


@dataclass(frozen=True)
class SpectralIndex:
    """An index; `alternatives` gives, for a band, the one that may stand for it."""

    name: str
    bands: tuple[str, ...]
    formula: Callable[[Reflectances], Planes]
    lowest: float = -1.0
    highest: float = 1.0

    def of(self, reflectances: Reflectances) -> Planes:
        """The index from reflectances (steps, cells) by band; NaN where a band is missing.

        Args:
            reflectances: 0-1 by band name, float32.

        Returns:
            (steps, cells), held within `lowest` and `highest`.
        """
        values = self.formula(reflectances)
        missing = np.isnan(np.stack([reflectances[band] for band in self.bands])).any(axis=0)
        return np.where(missing, np.float32(np.nan), np.clip(values, self.lowest, self.highest)).astype(np.float32)


def _difference(first: str, second: str) -> Callable[[Reflectances], Planes]:
    return lambda bands: normalised_difference(bands[first], bands[second])


def _ratio(above: Planes, below: Planes) -> Planes:
    usable = np.abs(below) > SMALLEST_DENOMINATOR
    return np.where(usable, above / np.where(usable, below, 1), 0).astype(np.float32)


def _evi(bands: Reflectances) -> Planes:
    near, red, blue = bands["B08"], bands["B04"], bands["B02"]
    return _ratio(np.float32(2.5) * (near - red), near + 6 * red - np.float32(7.5) * blue + 1)


def _evi2(bands: Reflectances) -> Planes:
    near, red = bands["B08"], bands["B04"]
    return _ratio(np.float32(2.5) * (near - red), near + np.float32(2.4) * red + 1)


def _savi(bands: Reflectances) -> Planes:
    near, red = bands["B08"], bands["B04"]
    return _ratio(np.float32(1.5) * (near - red), near + red + np.float32(0.5))


def _bare_soil(bands: Reflectances) -> Planes:
    ground, leaves = bands["B11"] + bands["B04"], bands["B08"] + bands["B02"]
    return normalised_difference(ground, leaves)


_PAIRS = {
    "NDVI": ("B08", "B04"),
    "NDWI": ("B03", "B08"),
    "NDMI": ("B8A", "B11"),
    "MNDWI": ("B03", "B11"),
    "NBR": ("B8A", "B12"),
    "NDRE": ("B8A", "B05"),
    "NDBI": ("B11", "B08"),
    "NDSI": ("B03", "B11"),
}
INDICES = {name: SpectralIndex(name, pair, _difference(*pair)) for name, pair in _PAIRS.items()} | {
    "EVI": SpectralIndex("EVI", ("B02", "B04", "B08"), _evi, -2.0, 2.0),
    "EVI2": SpectralIndex("EVI2", ("B04", "B08"), _evi2, -2.0, 2.0),
    "SAVI": SpectralIndex("SAVI", ("B04", "B08"), _savi, -2.0, 2.0),
    "BSI": SpectralIndex("BSI", ("B02", "B04", "B08", "B11"), _bare_soil),
}


def with_stand_ins(reflectances: Reflectances) -> dict[str, Planes]:
    """The bands with B08 and B8A standing for each other where one is absent: both are near infrared."""
    bands = dict(reflectances)
    for absent, present in (("B8A", "B08"), ("B08", "B8A")):
        if absent not in bands and present in bands:
            bands[absent] = bands[present]
    return bands


def missing_bands(name: str, bands: Mapping[str, object] | tuple[str, ...]) -> tuple[str, ...]:
    """The bands that an index needs and that are not there, stand-ins counted as there."""
    there = set(bands)
    if there & {"B08", "B8A"}:
        there |= {"B08", "B8A"}
    return tuple(band for band in INDICES[name].bands if band not in there)
