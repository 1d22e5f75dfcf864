"""A small year ready for its release: a map of forty by forty cells with its files, its round, its audit sample."""

import datetime
import shutil
from pathlib import Path

import numpy as np
from django.contrib.gis.geos import GEOSGeometry

from feedback import actions
from feedback.models import Release
from feedback.publication import play_publication
from feedback.release_folders import folder_of
from habitats.actions import correct_polygons
from habitats.models import BoundCorrection, Correction, Polygon, Vintage
from habitats.states import AuditState, BindingOutcome, DropReason, VintageState
from ml.compute.polygons import polygonise_map
from ml.storage import store_file
from territories.states import Role
from tests import factories
from tests.factories.ground import AN_INSTANT, as_multi, square
from tests.ml.compute.rasters import write_class_map, write_raster
from tests.ml.compute.tiny_releases import CODES, COLORS, quarters

YEAR = 2024
DAY = datetime.timedelta(days=1)
# The tiny rasters stand around 3.00 E, 43.80 N.
REGION_OUTLINE = square(34, 6, side=0.09)
FIGURES = {"estimate": 0.9, "standard_error": 0.02, "half_width_95": 0.04, "low_95": 0.86, "high_95": 0.94}
ASSESSMENT = {
    "method": "Olofsson et al. 2014",
    "confidence": 0.95,
    "points": 20,
    "total_area": 160_000.0,
    "overall_accuracy": FIGURES,
    "classes": {
        "E1.2": {
            "points_mapped": 10,
            "points_reference": 10,
            "users_accuracy": FIGURES,
            "producers_accuracy": FIGURES,
            "area": {name: 40_000 * value for name, value in FIGURES.items()},
            "assessable": True,
        },
        "J1.1": {
            "points_mapped": 2,
            "points_reference": 1,
            "users_accuracy": "not assessable",
            "producers_accuracy": "not assessable",
            "area": "not assessable",
            "assessable": False,
        },
    },
}


def legend_types():
    """The habitats of the tiny map, by code, with their colours."""
    types = {code: factories.HabitatTypeFactory(code=code) for code in CODES.values()}
    for code, habitat in types.items():
        factories.LegendEntryFactory(habitat_type=habitat, color=COLORS[code])
    return types


def working_map(folder: Path, *, year=YEAR, values=None):
    """A working vintage with real rasters in the store, and its polygons."""
    folder.mkdir(parents=True, exist_ok=True)
    region = factories.RegionFactory(years=[2023, 2024, 2025])
    factories.TerritoryFactory(region=True, outline=REGION_OUTLINE)
    types = legend_types()
    values = quarters() if values is None else values
    classes = write_class_map(folder / "classes.tif", values, codes=CODES)
    frame = polygonise_map(classes, mmu_px=1, simplify_m=0)
    rasters = {
        "classes": classes,
        "confidence": write_raster(folder / "confidence.tif", np.full(values.shape, 80), dtype="uint8", nodata=255),
        "runner_ups": write_raster(folder / "runner_ups.tif", np.zeros((4, *values.shape)), dtype="uint16"),
    }
    kept = {name: store_file(path, at=AN_INSTANT) for name, path in rasters.items()}
    vintage = factories.VintageFactory(
        region=region,
        year=year,
        **kept,
        metrics={"macro_f1": 0.8},
        area_m2=float(frame.area.sum()),
        polygon_count=len(frame),
        minimum_unit_px=4,
    )
    in_degrees, in_web = frame.to_crs(4326).geometry, frame.to_crs(3857).geometry
    Polygon.objects.bulk_create(
        Polygon(
            vintage=vintage,
            number=number,
            habitat_type=types[code],
            confidence=80,
            area_m2=area,
            geometry=GEOSGeometry(memoryview(plain.wkb), srid=4326),
            geometry_3857=GEOSGeometry(memoryview(web.wkb), srid=3857),
        )
        for number, (code, area, plain, web) in enumerate(
            zip(frame["code"], frame["area_m2"], in_degrees, in_web, strict=True), 1
        )
    )
    return vintage


def administrators():
    """Two people of two services who may release."""
    people = [factories.person_with(Role.RELEASE_ADMINISTRATOR) for _service in range(2)]
    for person in people:
        person.organisation = factories.OrganisationFactory()
        person.save()
    return people


def ready_map(folder: Path, *, year=YEAR, values=None, low=0.86):
    """A working map that the gate lets through: thresholds, a closed round, an opened audit sample."""
    vintage = working_map(folder, year=year, values=values)
    first, _second = administrators()
    actions.fix_thresholds(
        region=vintage.region, year=year, overall_accuracy=0.7, macro_f1=0.5, by=first, at=AN_INSTANT
    )
    if not vintage.region.rounds.filter(year=year).exists():
        factories.RoundFactory(over=True, year=year, region=vintage.region, key=f"{year}-essai")
        factories.AuditSampleFactory(
            region=vintage.region,
            year=year,
            state=AuditState.OPENED,
            opened_at=AN_INSTANT,
            vintage=vintage,
            assessment={**ASSESSMENT, "overall_accuracy": {**FIGURES, "low_95": low}},
        )
    return vintage


def signed_release(vintage: Vintage, *, at=AN_INSTANT + DAY) -> Release:
    """A release that waits for its publication."""
    first, second = administrators()
    release = actions.prepare_release(vintage=vintage, by=first, at=at)
    actions.sign_dossier(release=release, by=first, dossier_sha256=release.dossier_sha256, at=at)
    return actions.sign_dossier(release=release, by=second, dossier_sha256=release.dossier_sha256, at=at)


def published_release(vintage: Vintage) -> Release:
    """A release that stands."""
    release = signed_release(vintage)
    play_publication(release.run_id)
    release.refresh_from_db()
    return release


def correct(vintage: Vintage, number: int, code: str):
    """Decide that a polygon is another habitat."""
    polygon = Polygon.objects.get(vintage=vintage, number=number)
    return correct_polygons(
        vintage=vintage,
        polygons=[(number, polygon.version)],
        to_type=legend_types()[code],
        source="report:test",
        by=factories.UserFactory(),
        at=AN_INSTANT,
        observed_on=None,
        reason="Vu sur place.",
    )


def dropped_correction(vintage: Vintage) -> BoundCorrection:
    """A correction of the year before that a map no longer follows."""
    earlier = factories.VintageFactory(region=vintage.region, year=vintage.year - 1, published=True)
    ground = as_multi(square(35, 10, side=0.001))
    correction = Correction.objects.create(
        vintage=earlier,
        source="report:old",
        geometry=ground,
        area_m2=10_000.0,
        to_type=legend_types()["G1.1"],
        decided_at=AN_INSTANT,
    )
    return BoundCorrection.objects.create(
        correction=correction,
        vintage=vintage,
        outcome=BindingOutcome.DROPPED,
        reason=DropReason.NEWER_SAMPLE,
        geometry=ground,
        area_m2=10_000.0,
    )


def forget_release(vintage: Vintage) -> None:
    """Back to before the signatures, as if the year were played again."""
    for release in Release.objects.all():
        shutil.rmtree(folder_of(release), ignore_errors=True)
        release.delete()
    Vintage.objects.filter(pk=vintage.pk).update(state=VintageState.WORKING, published_at=None)
