"""Region folders, imported whole or not at all."""

import dataclasses
import datetime
import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely
import structlog
from django.contrib.gis.geos import GEOSGeometry
from django.db import transaction
from django.utils.translation import gettext as _

from habitats import actions
from habitats.importers.releves import import_releve_file
from habitats.importers.territories import footprint_of, store_layers
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
from ml.compute.samples import BLOCK_CELLS, assign_splits
from ml.errors import RunOpenError
from ml.models import Run
from species.importers import DatasetFacts, import_observation_file
from species.states import Diffusion
from territories.actions import store_region
from territories.models import Region

logger = structlog.get_logger(__name__)
SET_OF_SPLIT = {"train": SampleSet.TRAINING, "test": SampleSet.SELECTION}
RELEVE_FILES = ("*.csv", "*.xlsx", "*.gpkg")
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
    releves: dict[str, int]
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
        BiocciaError: a file of relevés or of observations is wrong; nothing was written.
    """
    if Run.objects.open().exists():
        raise RunOpenError(_("A run of this region is not finished: wait for its end, or stop it, then import."))
    folder = read_region_folder(path)
    notices = check_region_folder(folder)
    with transaction.atomic():
        layers = read_territory_layers(folder)
        region = _store_region(folder, next(iter(layers.values())), at)
        territories = store_layers(layers)
        habitats = actions.store_legend(
            typology_code=folder.typology, typology_name=_typology_name(folder), rows=folder.legend
        )
        samples = {year: _store_samples(folder, year, habitats) for year in folder.years}
        bands = {year: _store_bands(folder, year) for year in folder.years}
        releves = {file.name: _import_releves(file, folder, at) for file in _releve_files(folder)}
        observations = sum(_import_observations(file, folder, at) for file in _observation_files(folder))
    logger.info("region imported", region=region.slug, samples=samples, territories=territories)
    return ImportReport(
        region=region,
        territories=territories,
        samples=samples,
        habitats=len(habitats),
        bands=bands,
        observations=observations,
        releves=releves,
        notices=tuple(dict.fromkeys([*folder.notices, *notices])),
    )


def _typology_name(folder: RegionFolder) -> str:
    return folder.name if folder.typology.startswith("legend:") else folder.typology


def _store_region(folder: RegionFolder, widest: gpd.GeoDataFrame, at: datetime.datetime) -> Region:
    return store_region(
        slug=folder.slug,
        footprint=footprint_of(widest),
        at=at,
        name=folder.name,
        epsg=folder.epsg,
        resolution_m=folder.resolution_m,
        typology_code=folder.typology,
        minimum_unit_px=folder.mmu_px,
        attribution=folder.attribution,
        licence=folder.licence,
        sampling_seed=folder.seed or 0,
        is_simulated=folder.simulated,
        folder=str(folder.path.absolute()),
        years=list(folder.years),
    )


def _store_samples(folder: RegionFolder, year: int, habitats: Mapping[str, Any]) -> int:
    frame = read_samples(folder, year)
    block_m = BLOCK_CELLS * folder.resolution_m
    splits = assign_splits(frame, block_m=block_m, seed=folder.seed or 0)
    places = frame.to_crs(4326).geometry
    source = f"{folder.slug}/{year}"
    keys = _sample_keys(frame, source)
    rows = (
        {
            "key": keys[position],
            "habitat_type": habitats[row.code],
            "geometry": GEOSGeometry(memoryview(shapely.to_wkb(places.iloc[position])), srid=4326),
            "observed_on": row.date or None,
            "observers": row.observers[:300],
            "origin": row.origin if row.origin in SampleOrigin.values else SampleOrigin.OTHER,
            "given_split": row.split,
            "sample_set": SET_OF_SPLIT[splits[position]],
        }
        for position, row in enumerate(frame.itertuples(index=False))
    )
    return actions.store_samples(year=year, source=source, rows=rows)


def _sample_keys(frame: gpd.GeoDataFrame, source: str) -> list[str]:
    """A key of each sample by what it says, so that a row put in the middle of the file renames no other."""
    seen: Counter[str] = Counter()
    keys = []
    for row, place in zip(frame.itertuples(index=False), shapely.to_wkb(frame.geometry.values), strict=True):
        said = "|".join([row.code, row.date, row.observers, row.origin, row.split]).encode()
        content = hashlib.sha256(said + place).hexdigest()[:20]
        seen[content] += 1
        keys.append(f"{source}:{content}:{seen[content]}")
    return keys


def _store_bands(folder: RegionFolder, year: int) -> int:
    bands = stack_bands(folder, year)
    rows = [{**dataclasses.asdict(band), "file": str(band.file.absolute())} for band in bands]
    return register_predictors(year=year, bands=rows)


def _releve_files(folder: RegionFolder) -> list[Path]:
    return sorted(file for pattern in RELEVE_FILES for file in (folder.path / "releves").glob(pattern))


def _import_releves(file: Path, folder: RegionFolder, at: datetime.datetime) -> int:
    """They come in as submitted: a scientific validator still has to judge them."""
    report = import_releve_file(file, dataset_name=f"{folder.slug}/releves", by=None, at=at)
    return report.releves


def _observation_files(folder: RegionFolder) -> list[Path]:
    return sorted(file for pattern in OBSERVATION_FILES for file in (folder.path / "observations").glob(pattern))


def _import_observations(file: Path, folder: RegionFolder, at: datetime.datetime) -> int:
    facts = DatasetFacts(
        source=folder.attribution[:300],
        licence=folder.licence[:200],
        # Invented positions harm nobody; real ones are shown by commune unless a convention says more.
        diffusion=Diffusion.PRECISE if folder.simulated else "",
    )
    name = f"{folder.slug}/{file.stem}"
    report = import_observation_file(file, dataset_name=name, at=at, facts=facts)
    return report.imported
