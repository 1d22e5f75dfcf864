"""From an approved version to a vintage that can be shown: each function is one step of the mapping year."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from django.conf import settings
from django.utils.translation import gettext as _

from bioccia.errors import StateForbidsError
from habitats import actions, queries
from habitats.models import HabitatType, Vintage
from habitats.queries.resolution import EUNIS_2012
from habitats.shared_mapping import map_together, shared_job
from habitats.stacks import stack_paths
from ml.compute.burning import Burn, BurnOutputs, burn_corrections
from ml.compute.change import zonal_transitions
from ml.compute.class_rasters import open_class_map
from ml.compute.classify import ClassifyOutputs, classify_stack
from ml.compute.errors import RasterError, SampleError
from ml.compute.model_files import load_model
from ml.compute.polygons import draw_map, generalise_map
from ml.compute.scores import score_class_map
from ml.compute.small_features import SmallFeatureRules
from ml.compute.zonal import zonal_areas
from ml.models import Artefact, ModelVersion, Run, TrainingSet
from ml.run_session import RunSession
from ml.states import VersionState
from ml.storage import path_of, store_file
from territories.models import Region, Territory
from territories.states import TerritoryKind

WORKERS = 2
RASTERS = ("classes", "confidence", "runner_ups")
# Highest zoom of each generalised map, and the side of its blocks in metres: about one and a half pixels there.
LOW_ZOOMS = ((11, 80), (10, 160), (9, 320), (8, 640), (7, 1280), (6, 2560))
LARGEST_SHARE = 100
# Habitats of EUNIS 2012 that are small by nature: ponds, streams, hedgerows, lines of trees, gardens and parks.
SMALL_BY_NATURE = ("C1", "C2", "FA", "G5.1", "I2")


def map_by_windows(session: RunSession) -> Mapping[str, Any]:
    """Classify every cell of the year's stack; a window that is done stays done through a crash."""
    version = approved_version_of(session.run)
    _check_legend(version)
    outputs = ClassifyOutputs(**{name: session.work_dir / f"{name}.tif" for name in RASTERS})
    if settings.MAP_SHARED_URL:
        map_together(session, shared_job(session.run, version, outputs), workers=WORKERS)
    else:
        classify_stack(
            stack_paths(session.run.region, session.run.year),
            path_of(version.artefact),
            outputs,
            workers=WORKERS,
            work_dir=session.work_dir / "windows",
            progress=session.progress,
        )
    metrics = published_scores(outputs.classes, frozen_samples(session, version))
    at = session.now()
    return {name: store_file(getattr(outputs, name), at=at).pk for name in RASTERS} | {"metrics": metrics}


def approved_version_of(run: Run) -> ModelVersion:
    """The version that a run may map with.

    Raises:
        StateForbidsError: it has none, or nobody approved it.
    """
    version = _version_of(run)
    if version is None or version.state != VersionState.APPROVED:
        raise StateForbidsError(_("Only an approved model version may map. Approve it first, on its page."))
    return version


def _check_legend(version: ModelVersion) -> None:
    """Every class the version may draw must stand in today's legend."""
    missing = sorted(set(load_model(path_of(version.artefact)).values) - set(legend_types()))
    if missing:
        raise StateForbidsError(
            _(
                "Version %(number)s knows habitats that the legend no longer lists: %(codes)s. Put them back in "
                "legend.csv and import the region folder again, or train a new version."
            )
            % {"number": version.number, "codes": ", ".join(missing)}
        )


def _version_of(run: Run) -> ModelVersion | None:
    """The version as its row says now: it may have been decided since the run was read."""
    if run.version_id is None:
        return None
    return ModelVersion.objects.select_related("artefact").filter(pk=run.version_id).first()


def frozen_samples(session: RunSession, version: ModelVersion) -> gpd.GeoDataFrame:
    """The samples frozen by this run, or by the training of the version where this run only maps."""
    frozen = session.outputs.get("freeze", {}).get("training_set", version.training_set_id)
    return gpd.read_parquet(path_of(TrainingSet.objects.select_related("artefact").get(pk=frozen).artefact))


def published_scores(classes: Path, samples: gpd.GeoDataFrame) -> dict[str, Any]:
    """Scores of the class raster as published, on the samples kept back from training."""
    try:
        return score_class_map(classes, samples).as_json()
    except SampleError as error:
        return {"unscored": str(error)}


def vectorise(session: RunSession) -> Mapping[str, Any]:
    """Turn the class raster into polygons that leave no gap and no overlap, and keep the small features beside them."""
    region = session.run.region
    rasters = _rasters(session)
    session.progress(1, 4)
    confidence = path_of(rasters["confidence"])
    drawn = draw_map(
        open_class_map(path_of(rasters["classes"])),
        mmu_px=region.minimum_unit_px,
        simplify_m=region.resolution_m,
        confidence_path=confidence,
        runner_ups_path=path_of(rasters["runner_ups"]),
    )
    session.progress(2, 4)
    file = session.work_dir / "polygons.parquet"
    next(drawn.frames(max(len(drawn), 1))).to_parquet(file)
    session.progress(3, 4)
    features = drawn.small_features(confidence, SmallFeatureRules(keep_codes=codes_small_by_nature()))
    beside = session.work_dir / "small_features.parquet"
    features.to_parquet(beside)
    return {
        "polygons": store_file(file, at=session.now()).pk,
        "count": len(drawn),
        "small_features": store_file(beside, at=session.now()).pk,
    }


def codes_small_by_nature() -> frozenset[str]:
    """Codes of the legend of which a small pond or hedge counts; none where the legend is not one of EUNIS 2012."""
    codes = HabitatType.objects.filter(legend_entry__isnull=False, typology__code=EUNIS_2012).values_list(
        "code", flat=True
    )
    return frozenset(code for code in codes if code.startswith(SMALL_BY_NATURE))


def load(session: RunSession) -> Mapping[str, Any]:
    """Write the vintage and its polygons, by COPY, in the step's transaction: once, or not at all."""
    rasters = _rasters(session)
    actions.discard_unfinished(run=session.run)
    vintage = actions.create_vintage(
        run=session.run,
        at=session.now(),
        version=approved_version_of(session.run),
        minimum_unit_px=session.run.region.minimum_unit_px,
        metrics=mapped_outputs(session)["metrics"],
        small_features_id=session.outputs["vectorise"].get("small_features"),
        **rasters,
    )
    polygons = gpd.read_parquet(path_of(Artefact.objects.get(pk=session.outputs["vectorise"]["polygons"])))
    actions.load_polygons(vintage=vintage, rows=_polygon_rows(vintage, polygons, legend_types(), session))
    return {"vintage": vintage.pk, "polygons": vintage.polygon_count}


def _polygon_rows(
    vintage: Vintage, polygons: gpd.GeoDataFrame, types: Mapping[str, int], session: RunSession
) -> Iterator[tuple[Any, ...]]:
    # No query may run in here: the connection is in the middle of a COPY.
    plain = shapely.to_wkb(shapely.set_srid(polygons.to_crs(4326).geometry.values, 4326), hex=True, include_srid=True)
    tiles = shapely.to_wkb(shapely.set_srid(polygons.to_crs(3857).geometry.values, 3857), hex=True, include_srid=True)
    for position, row in enumerate(polygons.itertuples(index=False)):
        if position % 5000 == 0:
            session.progress(position, len(polygons))
        yield (
            vintage.pk,
            position + 1,
            types[row.code],
            0 if pd.isna(row.confidence) else round(row.confidence),
            types.get(row.runner_up_1),
            min(int(row.runner_up_1_share), LARGEST_SHARE),
            types.get(row.runner_up_2),
            min(int(row.runner_up_2_share), LARGEST_SHARE),
            row.area_m2,
            1,
            plain[position],
            tiles[position],
        )


@dataclass(frozen=True)
class CorrectedRasters:
    """The rasters of a vintage with its corrections burnt in, and how many cells they changed."""

    classes: Path
    confidence: Path
    changed_cells: int


def corrected_rasters(vintage: Vintage, work_dir: Path) -> CorrectedRasters:
    """Burn what was decided into copies of a vintage's rasters; every other cell stays as it was mapped.

    Args:
        vintage: the vintage; its own rasters are never changed.
        work_dir: where the copies are written.
    """
    grounds = queries.corrections_in_force(vintage)
    outlines = shapely.from_wkb([bytes(ground.geometry.wkb) for ground in grounds])
    moved = gpd.GeoSeries(outlines, crs=4326).to_crs(vintage.region.epsg)
    colors = dict(queries.legend().values_list("habitat_type__code", "color"))
    codes = [ground.correction.to_type.code for ground in grounds]
    # A habitat that has left the legend since is not drawn any more.
    burns = [Burn(outline, code) for outline, code in zip(moved, codes, strict=True) if code in colors]
    outputs = BurnOutputs(work_dir / "corrected-classes.tif", work_dir / "corrected-confidence.tif")
    paths = path_of(vintage.classes), path_of(vintage.confidence)
    changed = burn_corrections(*paths, burns, outputs, colors=colors)
    return CorrectedRasters(outputs.classes, outputs.confidence, changed)


def draw_low_zooms(session: RunSession) -> Mapping[str, Any]:
    """Draw the map coarser, so that a low zoom never reads the polygons of a whole region."""
    drawn = _map_with_bound_corrections(session)
    return draw_generalised(session, drawn.vintage, drawn.classes)


def draw_generalised(session: RunSession, vintage: Vintage, classes: Path) -> Mapping[str, int]:
    """Draw the generalised maps of a vintage from a class raster.

    Returns:
        Polygons by the highest zoom that shows them.
    """
    types = legend_types()
    counts = {}
    for done, (zoom, metres) in enumerate(LOW_ZOOMS):
        session.progress(done, len(LOW_ZOOMS))
        factor = max(1, round(metres / vintage.region.resolution_m))
        coarse = generalise_map(classes, factor=factor, simplify_m=metres / 2)
        shapes = shapely.set_srid(coarse.to_crs(3857).geometry.values, 3857)
        outlines = shapely.to_wkb(shapes, hex=True, include_srid=True)
        codes = [types[code] for code in coarse["code"]]  # no query may run within a COPY
        rows = ((vintage.pk, zoom, code, outline) for code, outline in zip(codes, outlines, strict=True))
        actions.store_generalised(rows=rows)
        counts[str(zoom)] = len(coarse)
    return counts


def count_by_territory(session: RunSession) -> Mapping[str, Any]:
    """Areas by territory and habitat, and what became what since the vintage before."""
    drawn = _map_with_bound_corrections(session)
    earlier = queries.vintage_before(drawn.vintage)
    before = None
    if earlier is not None:
        folder = session.work_dir / "earlier"
        before = MapOfYear(earlier, _classes_with_corrections(earlier, folder))
    return count_areas(session, drawn, before)


def _map_with_bound_corrections(session: RunSession) -> "MapOfYear":
    vintages = Vintage.objects.select_related("region", "classes", "confidence")
    vintage = vintages.get(pk=session.outputs["load"]["vintage"])
    return MapOfYear(vintage, _classes_with_corrections(vintage, session.work_dir))


def _classes_with_corrections(vintage: Vintage, work_dir: Path) -> Path:
    """The class raster that the polygons of a vintage stand for; its own where nothing was decided."""
    if queries.corrections_in_force(vintage):
        return corrected_rasters(vintage, work_dir).classes
    return path_of(vintage.classes)


@dataclass(frozen=True)
class MapOfYear:
    """A vintage, and the class raster that is counted for it."""

    vintage: Vintage
    classes: Path


def count_areas(session: RunSession, later: MapOfYear, earlier: MapOfYear | None) -> Mapping[str, int]:
    """Count the areas of a map by territory and habitat, and the transitions from an earlier one."""
    counted = {"statistics": 0, "transitions": 0}
    for done, kind in enumerate(TerritoryKind.values):
        session.progress(done, len(TerritoryKind.values))
        zones = _zones(later.vintage.region, kind)
        if zones.empty:
            continue
        table = zonal_areas(later.classes, zones, "territory")
        counted["statistics"] += actions.store_statistics(vintage=later.vintage, rows=_statistic_rows(table))
        if earlier is not None:
            counted["transitions"] += _count_transitions(later, earlier, zones)
    return counted


def _statistic_rows(table: pd.DataFrame) -> Iterator[Mapping[str, Any]]:
    types = legend_types()
    for territory, code, area in zip(table["zone"], table["class"], table["area_m2"], strict=True):
        yield {"territory_id": int(territory), "habitat_type_id": types[str(code)], "area_m2": area}


def _count_transitions(later: MapOfYear, earlier: MapOfYear, zones: gpd.GeoDataFrame) -> int:
    types = legend_types()
    try:
        table = zonal_transitions(earlier.classes, later.classes, zones, "territory")
    except RasterError:  # another grid: the two years can be compared by their areas, not cell by cell
        return 0
    columns = (table[name] for name in ("zone", "from_class", "to_class", "area_m2"))
    rows = (
        {
            "territory_id": int(territory),
            "from_type_id": types[str(before)],
            "to_type_id": types[str(after)],
            "area_m2": area,
        }
        for territory, before, after, area in zip(*columns, strict=True)
        if str(before) in types and str(after) in types
    )
    return actions.store_transitions(vintage=later.vintage, earlier=earlier.vintage, rows=rows)


def _zones(region: Region, kind: str) -> gpd.GeoDataFrame:
    territories = Territory.objects.of_kind(kind).values_list("pk", "geometry")
    numbers = [number for number, _outline in territories]
    outlines = shapely.from_wkb([bytes(outline.wkb) for _number, outline in territories])
    return gpd.GeoDataFrame({"territory": numbers}, geometry=outlines, crs=4326).to_crs(region.epsg)


def open_vintage(session: RunSession) -> Mapping[str, Any]:
    """Show the vintage, in place of the working one of its year."""
    vintage = Vintage.objects.get(pk=session.outputs["load"]["vintage"])
    actions.open_vintage(vintage=vintage)
    return {"vintage": vintage.pk}


def legend_types() -> dict[str, int]:
    """The habitat type of each code of the legend, by primary key."""
    return dict(HabitatType.objects.filter(legend_entry__isnull=False).values_list("code", "pk"))


def _rasters(session: RunSession) -> dict[str, Artefact]:
    outputs = mapped_outputs(session)
    found = Artefact.objects.in_bulk([outputs[name] for name in RASTERS])
    return {name: found[outputs[name]] for name in RASTERS}


def mapped_outputs(session: RunSession) -> dict[str, Any]:
    """The rasters of the run and their scores: those weighed with the year before, else those of the year alone."""
    return {**session.outputs["map_by_windows"], **session.outputs.get("weigh_years", {}).get("weighed", {})}
