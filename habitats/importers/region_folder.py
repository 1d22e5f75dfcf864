"""Region folders, imported whole or not at all."""

import dataclasses
import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely
import structlog
from django.contrib.gis.geos import GEOSGeometry
from django.db import transaction
from species.importers import import_observation_file

from habitats import actions
from habitats.states import SampleOrigin, SampleSet
from ml.actions import register_predictors
from ml.compute.region import (
    RegionFolder,
    check_region_folder,
    read_region_folder,
    read_samples,
    read_territory_layers,
    stack_bands,
)
from ml.compute.samples import assign_splits
from territories.actions import store_region, store_territories
from territories.models import Region

logger = structlog.get_logger(__name__)
SET_OF_SPLIT = {"train": SampleSet.TRAINING, "test": SampleSet.SELECTION}
OBSERVATION_FILES = ("*.csv", "*.tsv", "*.zip")


@dataclasses.dataclass(frozen=True)
class ImportReport:
    """What came in, and what was skipped."""

    region: Region
    territories: dict[str, int]
    samples: dict[int, int]
    habitats: int
    bands: dict[int, int]
    observations: int
    notices: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For the last line of the command's output."""
        counts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**counts, "region": self.region.slug, "notices": list(self.notices)}


def import_region_folder(path: Path, *, at: datetime.datetime) -> ImportReport:
    """Read a region folder into this database, in one transaction.

    Args:
        path: the folder.
        at: the moment.

    Returns:
        Counts by part, and a notice for each part that is absent and was skipped.

    Raises:
        ComputeError: something in the folder is wrong; nothing was written.
        BiocciaError: an observation file is wrong; nothing was written.
    """
    folder = read_region_folder(path)
    notices = check_region_folder(folder)
    with transaction.atomic():
        layers = read_territory_layers(folder)
        region = _store_region(folder, next(iter(layers.values())), at)
        territories = {kind: store_territories(kind=kind, rows=territory_rows(frame)) for kind, frame in layers.items()}
        habitats = actions.store_legend(
            typology_code=folder.typology, typology_name=_typology_name(folder), rows=folder.legend
        )
        samples = {year: _store_samples(folder, year, habitats) for year in folder.years}
        bands = {year: _store_bands(folder, year) for year in folder.years}
        observations = sum(_import_observations(file, folder, at) for file in _observation_files(folder))
    logger.info("region imported", region=region.slug, samples=samples, territories=territories)
    return ImportReport(
        region=region,
        territories=territories,
        samples=samples,
        habitats=len(habitats),
        bands=bands,
        observations=observations,
        notices=tuple(dict.fromkeys([*folder.notices, *notices])),
    )


def _typology_name(folder: RegionFolder) -> str:
    return folder.name if folder.typology.startswith("legend:") else folder.typology


def _store_region(folder: RegionFolder, widest: gpd.GeoDataFrame, at: datetime.datetime) -> Region:
    footprint = shapely.union_all(shapely.make_valid(widest.to_crs(4326).geometry.values))
    return store_region(
        slug=folder.slug,
        footprint=to_geos(footprint),
        at=at,
        name=folder.name,
        epsg=folder.epsg,
        resolution_m=folder.resolution_m,
        typology_code=folder.typology,
        minimum_unit_px=folder.mmu_px,
        attribution=folder.attribution,
        licence=folder.licence,
        is_simulated=folder.simulated,
        folder=str(folder.path.absolute()),
        years=list(folder.years),
    )


def territory_rows(frame: gpd.GeoDataFrame) -> Iterator[Mapping[str, Any]]:
    """Rows for `store_territories`, of a layer in the region's CRS (outlines are stored in 4326 and 3857)."""
    plain = frame.to_crs(4326).geometry
    tiles = frame.to_crs(3857).geometry
    areas = frame.geometry.area
    for position, row in enumerate(frame.itertuples(index=False)):
        yield {
            "code": row.code,
            "name": row.name,
            "parent_code": getattr(row, "parent_code", ""),
            "epci_code": getattr(row, "epci_code", ""),
            "geometry": to_geos(plain.iloc[position]),
            "geometry_3857": to_geos(tiles.iloc[position], srid=3857),
            "area_m2": float(areas.iloc[position]),
        }


def to_geos(geometry: shapely.Geometry, *, srid: int = 4326) -> GEOSGeometry:
    """A polygon or multipolygon as Django holds multipolygons."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type in {"Polygon", "MultiPolygon"}]
    return GEOSGeometry(memoryview(shapely.to_wkb(shapely.multipolygons(shapely.get_parts(parts)))), srid=srid)


def _store_samples(folder: RegionFolder, year: int, habitats: Mapping[str, Any]) -> int:
    frame = read_samples(folder, year)
    frame["split"] = assign_splits(frame, seed=folder.seed or 0)
    places = frame.to_crs(4326).geometry
    given = read_samples(folder, year)["split"]
    source = f"{folder.slug}/{year}"
    rows = (
        {
            "key": f"{source}:{position}",
            "habitat_type": habitats[row.code],
            "geometry": GEOSGeometry(memoryview(shapely.to_wkb(places.iloc[position])), srid=4326),
            "observed_on": row.date or None,
            "observers": row.observers[:300],
            "origin": row.origin if row.origin in SampleOrigin.values else SampleOrigin.OTHER,
            "given_split": given.iloc[position],
            "sample_set": SET_OF_SPLIT[row.split],
        }
        for position, row in enumerate(frame.itertuples(index=False))
    )
    return actions.store_samples(year=year, source=source, rows=rows)


def _store_bands(folder: RegionFolder, year: int) -> int:
    bands = stack_bands(folder, year)
    rows = [{**dataclasses.asdict(band), "file": str(band.file.absolute())} for band in bands]
    return register_predictors(year=year, bands=rows)


def _observation_files(folder: RegionFolder) -> list[Path]:
    return sorted(file for pattern in OBSERVATION_FILES for file in (folder.path / "observations").glob(pattern))


def _import_observations(file: Path, folder: RegionFolder, at: datetime.datetime) -> int:
    report = import_observation_file(file, dataset_name=f"{folder.slug}/{file.stem}", at=at)
    return report.imported
