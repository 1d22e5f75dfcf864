"""Publication of a map of 100,000 polygons with all its files: gate, dossier and two signatures, then the run.

The map is a class raster of 16 million cells (1,600 km² at 10 m) whose patches have the sizes of a real one after its
minimum unit. Every step of the run is a row; verification of the folder comes last.
"""

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import ground

if TYPE_CHECKING:
    from feedback.models import Release
    from habitats.models import Vintage

REGION = "publication"
SIDE_CELLS, PATCH_CELLS, WANDER_CELLS, HABITATS = 4000, 12, 1.5, 24
CELL_M, WEST, NORTH = 10.0, 600_000.0, 6_300_000.0


def patches() -> np.ndarray:
    """Class values 1..HABITATS in patches of about a hectare and a half whose edges wander."""
    from scipy.ndimage import zoom

    rng = np.random.default_rng(0)
    places = []
    for axis in (0, 1):
        wander = zoom(rng.normal(0, WANDER_CELLS, (SIDE_CELLS // 8, SIDE_CELLS // 8)).astype(np.float32), 8, order=1)
        line = np.arange(SIDE_CELLS, dtype=np.float32)
        along = line[:, None] if axis == 0 else line[None, :]
        places.append(np.clip((along + wander) / PATCH_CELLS, 0, SIDE_CELLS // PATCH_CELLS).astype(np.int32))
    side = SIDE_CELLS // PATCH_CELLS + 1
    return rng.integers(1, HABITATS + 1, (side, side)).astype(np.uint16)[places[0], places[1]]


def working_map(work: Path) -> "Vintage":
    """A working vintage with its rasters in the store and its polygons in the database."""
    import json

    import rasterio
    import shapely
    from affine import Affine
    from django.conf import settings
    from django.utils import timezone

    from benchmarks.mapped_region import make_legend, make_region, make_version
    from habitats.actions import load_polygons
    from habitats.models import HabitatType, Vintage
    from habitats.states import VintageState
    from ml.compute.polygons import polygonise_map
    from ml.storage import store_file

    at = timezone.now()
    make_legend()
    region = make_region(at)
    codes = {number + 1: f"E{number}.1" for number in range(HABITATS)}
    classes = patches()
    rasters = {"classes": classes, "confidence": np.full(classes.shape, 80, np.uint8), "runner_ups": classes[:8, :8]}
    kept = {}
    settings.FILES_DIR.mkdir(parents=True, exist_ok=True)
    for name, values in rasters.items():
        profile = {"driver": "GTiff", "count": 1, "dtype": values.dtype, "crs": "EPSG:2154", "compress": "lzw"}
        profile |= {"height": values.shape[0], "width": values.shape[1], "nodata": 255 if name == "confidence" else 0}
        profile["transform"] = Affine(CELL_M, 0, WEST, 0, -CELL_M, NORTH)
        with rasterio.open(work / f"{name}.tif", "w", **profile, tiled=True) as target:
            target.write(values, 1)
            target.update_tags(CLASSES=json.dumps(codes))
        if name == "classes":
            frame = polygonise_map(work / "classes.tif", mmu_px=4, simplify_m=CELL_M)
        kept[name] = store_file(work / f"{name}.tif", at=at)
    vintage = Vintage.objects.create(
        region=region,
        year=2024,
        version=make_version(kept["classes"], at),
        minimum_unit_px=4,
        state=VintageState.WORKING,
        metrics={"macro_f1": 0.8},
        created_at=at,
        **kept,
    )
    types = dict(HabitatType.objects.values_list("code", "pk"))
    plain = shapely.to_wkb(shapely.set_srid(frame.to_crs(4326).geometry.values, 4326), hex=True, include_srid=True)
    tiles = shapely.to_wkb(shapely.set_srid(frame.to_crs(3857).geometry.values, 3857), hex=True, include_srid=True)
    facts = zip(frame["code"], frame["area_m2"], plain, tiles, strict=True)
    load_polygons(
        vintage=vintage,
        rows=(
            (vintage.pk, number, types[code], 80, None, 0, None, 0, area, 1, one, other)
            for number, (code, area, one, other) in enumerate(facts, 1)
        ),
    )
    return vintage


def make_the_year_ready(vintage: "Vintage") -> list[Any]:
    """Territories, two administrators, thresholds, a closed round and an opened audit sample."""
    import datetime

    from django.contrib.gis.geos import MultiPolygon, Polygon
    from django.utils import timezone

    from feedback import actions
    from feedback.models import Round
    from feedback.states import RoundState
    from habitats.models import AuditSample
    from habitats.states import AuditState
    from territories.actions import give_mandate
    from territories.models import Organisation, Territory, User
    from territories.states import OrganisationKind, Role, TerritoryKind

    at = timezone.now()
    outline = Polygon.from_bbox((WEST, NORTH - SIDE_CELLS * CELL_M, WEST + SIDE_CELLS * CELL_M, NORTH))
    outline.srid = 2154
    shapes = {
        name: MultiPolygon(outline.transform(srid, clone=True), srid=srid)
        for name, srid in (("geometry", 4326), ("geometry_3857", 3857))
    }
    territory = Territory.objects.create(
        kind=TerritoryKind.REGION, code="B", name="Benchmarks", area_m2=outline.area, **shapes
    )
    people = []
    for number in range(2):
        service = Organisation.objects.create(name=f"Service {number}", kind=OrganisationKind.REGION)
        person = User.objects.create_user(f"release{number}@example.org", organisation=service)
        role = Role.RELEASE_ADMINISTRATOR
        give_mandate(user=person, role=role, territory=territory, period=(at.date(), None), on=at.date())
        people.append(User.objects.get(pk=person.pk))
    asked = {"overall_accuracy": 0.5, "macro_f1": 0.5, "by": people[0], "at": at}
    actions.fix_thresholds(region=vintage.region, year=2024, **asked)
    day = datetime.timedelta(days=1)  # over, and its grace too: no dossier is prepared before
    moments = {"opens_at": at - 3 * day, "closes_at": at - 2 * day, "grace_ends_at": at - day}
    Round.objects.create(
        key="b", year=2024, region=vintage.region, territory=territory, name="B", state=RoundState.CLOSED, **moments
    )
    figures = {"estimate": 0.9, "standard_error": 0.02, "half_width_95": 0.04, "low_95": 0.86, "high_95": 0.94}
    AuditSample.objects.create(
        region=vintage.region,
        year=2024,
        seed=1,
        size=100,
        design={},
        strata_areas={},
        sha256="0" * 64,
        drawn_at=at,
        state=AuditState.OPENED,
        opened_at=at,
        vintage=vintage,
        assessment={"overall_accuracy": figures, "classes": {}, "points": 100, "method": "Stehman 2014"},
    )
    return people


def sign(vintage: "Vintage", people: list[Any]) -> "Release":
    """The dossier and its two signatures."""
    from django.utils import timezone

    from feedback import actions

    release = actions.prepare_release(vintage=vintage, by=people[0], at=timezone.now())
    for person in people:
        signed = actions.sign_dossier(
            release=release, by=person, dossier_sha256=release.dossier_sha256, at=timezone.now()
        )
    return signed


def measure() -> None:
    """One publication, one verification, and an erratum of it: a release that has one before it."""
    from django.conf import settings
    from django.core.management import call_command
    from django.utils import timezone

    from feedback.actions import open_erratum
    from feedback.release_folders import folder_of
    from ml.compute.publishing.verify import verify_folder

    call_command("flush", interactive=False, verbosity=0)
    shutil.rmtree(settings.FILES_DIR / "releases", ignore_errors=True)
    work = settings.FILES_DIR / "bench"
    work.mkdir(parents=True, exist_ok=True)
    vintage = working_map(work)
    people = make_the_year_ready(vintage)
    started = time.perf_counter()
    release = sign(vintage, people)
    what = f"{vintage.polygon_count:,} polygons"
    ground.row(f"gate, dossier, two signatures, {what}", "bioccia", time.perf_counter() - started, "s")
    publish(release, "publication", what)
    release.refresh_from_db()
    started = time.perf_counter()
    verify_folder(folder_of(release))
    ground.row(f"verify_release, {what}", "bioccia", time.perf_counter() - started, "s")
    copy = open_erratum(release=release, by=people[0], at=timezone.now())
    publish(sign(copy, people), "erratum", what)


def publish(release: "Release", kind: str, what: str) -> None:
    """Play the run of a signed release; a row for each step."""
    from feedback.publication import play_publication
    from ml.models import Run

    started = time.perf_counter()
    play_publication(release.run_id)
    spent = time.perf_counter() - started
    run = Run.objects.get(pk=release.run_id)
    if run.failure:
        raise RuntimeError(run.failure)
    for step in run.steps.all():
        ground.row(f"{kind}, {step.name}, {what}", "bioccia", step.seconds, "s")
    ground.row(f"{kind} with all files, {what}", "bioccia", spent, "s", "< 120 s")
    ground.row(f"{kind}, peak memory, {what}", "bioccia", run.peak_rss_mb, "MB")


def main() -> None:
    with ground.own_database(REGION):
        measure()


if __name__ == "__main__":
    main()
