"""The bands of a year's stack, one by one, for a catalogue."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ml.compute.grids import open_raster
from ml.compute.region.folder import RegionFolder

NO_SCALING = (1.0, 0.0)


@dataclass(frozen=True)
class StackBand:
    """One band; `acquired_on` is None for a static predictor, `name` is then its own name."""

    file: Path
    band: int
    name: str
    acquired_on: date | None
    kind: str
    scale: float
    offset: float
    unit: str
    nodata: float | None


def stack_bands(folder: RegionFolder, year: int) -> list[StackBand]:
    """List the bands of a year in the order of the stack; what a file says of its own scale comes before region.toml.

    Args:
        folder: a region folder that `check_region_folder` has accepted.
        year: one of its years.

    Raises:
        RegionFolderError: the year has no raster.
        RasterError: a raster is unreadable.
    """
    predictors = {predictor.file: predictor for predictor in folder.predictors}
    bands: list[StackBand] = []
    for file in folder.stack_files(year):
        predictor = predictors.get(file.name)
        with open_raster(file) as source:
            for band, description in enumerate(source.descriptions, start=1):
                name, acquired_on = _parts(description or f"{file.stem} {band}")
                own = (float(source.scales[band - 1]), float(source.offsets[band - 1]))
                said = (predictor.scale, predictor.offset) if predictor else NO_SCALING
                scale, offset = said if own == NO_SCALING else own
                bands.append(
                    StackBand(
                        file=file,
                        band=band,
                        name=name,
                        acquired_on=acquired_on,
                        kind=predictor.kind if predictor else _kind_of(acquired_on),
                        scale=scale,
                        offset=offset,
                        unit=predictor.unit if predictor else source.units[band - 1] or "",
                        nodata=source.nodata,
                    )
                )
    return bands


def _kind_of(acquired_on: date | None) -> str:
    return "static" if acquired_on is None else "time_series"


def _parts(description: str) -> tuple[str, date | None]:
    """Split `DATE_BAND`."""
    day, _, name = description.partition("_")
    try:
        return name, date.fromisoformat(day)
    except ValueError:
        return description, None
