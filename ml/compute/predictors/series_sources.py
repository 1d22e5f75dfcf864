"""Where a series comes from: a STAC catalogue, or files of this machine."""

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ml.compute.predictors.dated_files import DatedFiles
from ml.compute.predictors.errors import PredictorError
from ml.compute.predictors.places import Place, degrees_of
from ml.compute.predictors.sections import as_plain
from ml.compute.predictors.stac_images import CatalogueImages, MaskRule
from ml.compute.predictors.stac_search import (
    CatalogueQuery,
    by_solar_day,
    find_items,
    public_address,
    require_assets,
)

Period = tuple[date, date]


@dataclass(frozen=True)
class CatalogueSource:
    """A collection of a STAC API; `offset` None believes what the catalogue says of it."""

    api: str
    collection: str
    max_cloud_cover: float
    offset: float | None

    def parameters(self) -> dict[str, Any]:
        """As the manifest keeps it: without anything secret in the address."""
        return as_plain({**asdict(self), "api": public_address(self.api)})

    def local_inputs(self, place: Place) -> list[Path]:  # noqa: ARG002
        """None."""
        return []

    def open(
        self, place: Place, period: Period, assets: tuple[str, ...], mask: MaskRule, licence: str
    ) -> tuple[CatalogueImages, list[dict[str, Any]]]:
        """Search the catalogue.

        Raises:
            CatalogueError: it does not answer, has nothing, or its images lack a band.
        """
        bounds = degrees_of(place.grid.crs, place.grid.bounds)
        items = find_items(CatalogueQuery(self.api, self.collection, bounds, *period, self.max_cloud_cover))
        require_assets(items, [*assets, *([mask.asset] if mask.asset else [])])
        days = by_solar_day(items, (bounds[0] + bounds[2]) / 2)
        images = CatalogueImages(days, place.grid, assets, mask, self.offset)
        return images, images.inputs(licence)


@dataclass(frozen=True)
class FileSource:
    """Rasters with bands described DATE_BAND; `scale` multiplies what they hold."""

    files: str
    scale: float
    where: str

    def parameters(self) -> dict[str, Any]:
        """As the manifest keeps it."""
        return {"files": self.files, "scale": self.scale}

    def local_inputs(self, place: Place) -> list[Path]:
        """The rasters.

        Raises:
            PredictorError: no file has that name.
        """
        paths = place.find(self.files)
        if not paths:
            raise PredictorError(f"{self.where}: no file is called '{self.files}'; correct the key 'files'.")
        return paths

    def open(
        self, place: Place, period: Period, bands: tuple[str, ...], mask: MaskRule, _licence: str
    ) -> tuple[DatedFiles, list[dict[str, Any]]]:
        """Open the rasters, and keep the dates of the period."""
        images = DatedFiles(self.local_inputs(place), place.grid, bands, mask, self)
        images.days = tuple(day for day in images.days if period[0] <= day <= period[1])
        return images, []
