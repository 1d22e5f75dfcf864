"""Relief derivatives of an elevation model on the region's grid."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ml.compute.predictors import surface
from ml.compute.predictors.errors import PredictorError
from ml.compute.predictors.outputs import OutputBand, OutputFile, levels_of
from ml.compute.predictors.places import Place, grown, latitudes_of, metres_per_unit
from ml.compute.predictors.recipe_keys import choices_of, file_of, require_known_keys, window_of
from ml.compute.predictors.sections import Levels, Planes, as_plain
from ml.compute.predictors.sources import WarpedRasters
from ml.compute.region.keys import text_of, value_of

POSITION = "position"
# Steps small enough to lose nothing of a good model, wide enough for the Pyrenees and a cliff in int16.
BANDS = {
    "elevation": OutputBand("elevation", 0.25, unit="m"),
    "slope": OutputBand("slope", 0.01, unit="degree"),
    "northness": OutputBand("northness", 1e-4),
    "eastness": OutputBand("eastness", 1e-4),
    "curvature": OutputBand("curvature", 1e-5, unit="1/m"),
    "profile_curvature": OutputBand("profile_curvature", 1e-5, unit="1/m"),
    "tangential_curvature": OutputBand("tangential_curvature", 1e-5, unit="1/m"),
    "roughness": OutputBand("roughness", 0.05, unit="m"),
    "heat_load": OutputBand("heat_load", 1e-4),
}
DEFAULT = ("elevation", "slope", "northness", "eastness", "profile_curvature", "roughness", POSITION)
POSITION_SCALE = 0.1
DEFAULT_RADII_M = (100, 500)
KEYS = ("file", "dem", "derivatives", "radii_m", "licence", "window_px")

Measure = Callable[[NDArray[np.float32]], Planes]
MEASURES: dict[str, Measure] = {
    "slope": surface.slope_degrees,
    "northness": lambda derived: surface.exposure(derived)[0],
    "eastness": lambda derived: surface.exposure(derived)[1],
    "curvature": lambda derived: surface.curvatures(derived)[0],
    "profile_curvature": lambda derived: surface.curvatures(derived)[1],
    "tangential_curvature": lambda derived: surface.curvatures(derived)[2],
    "roughness": lambda derived: derived[surface.RANGE],
}


@dataclass(frozen=True)
class ReliefSection:
    """One [[relief]]: an elevation model in metres and what to derive of it."""

    file: str
    dem: tuple[str, ...]
    derivatives: tuple[str, ...]
    radii_m: tuple[float, ...]
    licence: str
    window_px: int
    where: str

    def parameters(self) -> dict[str, Any]:
        """All that decides its values."""
        kept = {key: value for key, value in asdict(self).items() if key not in ("where", "window_px", "licence")}
        return as_plain(kept)

    def local_inputs(self, place: Place) -> list[Path]:
        """The elevation models, in the order of the recipe: the first one wins where two overlap.

        Raises:
            PredictorError: a name or pattern finds no file.
        """
        found: list[Path] = []
        for pattern in self.dem:
            paths = place.find(pattern)
            if not paths:
                raise PredictorError(f"{self.where}: no file is called '{pattern}'; correct the key 'dem'.")
            found += paths
        return found

    def open(self, place: Place) -> "OpenRelief":
        """Open the elevation models."""
        return OpenRelief(self, place)


def relief_section(table: Mapping[str, Any], where: str) -> ReliefSection:
    """Read a [[relief]] section.

    Raises:
        PredictorError: a key is missing or wrong.
    """
    require_known_keys(table, KEYS, where)
    dem = table.get("dem")
    patterns = [dem] if isinstance(dem, str) else dem
    if not patterns or not isinstance(patterns, list) or not all(isinstance(one, str) for one in patterns):
        raise PredictorError(f"{where}: the key 'dem' is {dem!r}; write the path of the elevation model, or several.")
    return ReliefSection(
        file=file_of(table, where),
        dem=tuple(patterns),
        derivatives=choices_of(table, "derivatives", (*BANDS, POSITION), where, DEFAULT),
        radii_m=_radii(table, where),
        licence=text_of(table, "licence", where, "unknown"),
        window_px=window_of(table, where, 1024),
        where=where,
    )


def _radii(table: Mapping[str, Any], where: str) -> tuple[float, ...]:
    radii = value_of(table, "radii_m", list, where, list(DEFAULT_RADII_M))
    if not radii or not all(isinstance(one, (int, float)) and not isinstance(one, bool) and one > 0 for one in radii):
        raise PredictorError(f"{where}: the key 'radii_m' is {radii!r}; list distances in metres, as [100, 500].")
    return tuple(sorted({float(one) for one in radii}))


class OpenRelief:
    """The elevation models of a section, open on the region's grid with a margin."""

    remote_inputs: tuple[dict[str, Any], ...] = ()

    def __init__(self, section: ReliefSection, place: Place) -> None:
        """Open the models.

        Raises:
            PredictorError: a file is missing, or a radius is under half a cell.
        """
        self._section = section
        self._grid = place.grid
        self._metre = metres_per_unit(place.grid)
        cell = place.grid.cell_width * self._metre
        self._radii = [max(1, round(radius / cell)) for radius in section.radii_m]
        wanted = self._radii if POSITION in section.derivatives else []
        self._halo = max([1, *wanted])
        paths = section.local_inputs(place)
        self._models = WarpedRasters(paths, grown(place.grid, self._halo), kind="relief")
        self.files = (OutputFile(section.file, tuple(self._bands())),)

    def close(self) -> None:
        """Close the models."""
        self._models.close()

    def levels(self, window: Window) -> Sequence[Levels]:
        """The derivatives of a window."""
        halo = self._halo
        around = Window(window.col_off, window.row_off, window.width + 2 * halo, window.height + 2 * halo)
        heights = self._models.read([[1]] * len(self._models.sources), around)[0]
        ring = heights[halo - 1 : heights.shape[0] - halo + 1, halo - 1 : heights.shape[1] - halo + 1]
        derived = surface.derive_surface(
            ring, self._grid.cell_width * self._metre, self._grid.cell_height * self._metre
        )
        planes: list[Planes] = []
        for name in self._section.derivatives:
            if name == POSITION:
                planes += [surface.topographic_position(heights, halo, radius) for radius in self._radii]
            elif name == "elevation":
                planes.append(ring[1:-1, 1:-1])
            elif name == "heat_load":
                planes.append(surface.heat_load(derived, latitudes_of(self._grid, window)))
            else:
                planes.append(MEASURES[name](derived))
        return [levels_of(planes, self.files[0])]

    def _bands(self) -> list[OutputBand]:
        bands = []
        for name in self._section.derivatives:
            if name == POSITION:
                labels = [f"{POSITION}_{radius:g}m" for radius in self._section.radii_m]
                bands += [OutputBand(label, POSITION_SCALE, unit="m") for label in labels]
            else:
                bands.append(BANDS[name])
        return bands
