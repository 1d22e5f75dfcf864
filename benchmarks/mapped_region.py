"""A region with one published vintage of 100,000 synthetic polygons, over an area as wide as Occitanie."""

from typing import Any

from django.contrib.gis.geos import MultiPolygon, Polygon
from django.db import connection, transaction
from django.utils import timezone

from benchmarks.synthetic_coverage import HABITATS, coverage, polygon_rows
from habitats.actions.vintages import load_polygons, store_generalised
from habitats.mapping import LOW_ZOOMS
from habitats.models import HabitatType, LegendEntry, Typology, Vintage
from habitats.states import VintageState
from ml.models import Artefact, ModelVersion, TrainingSet
from ml.states import Mode, VersionState
from territories.models import Region

COLUMNS, ROWS, CELL_M = 400, 250, 850.0  # 340 km x 212 km, near the 72,724 km² of Occitanie
ORIGIN = (480_000, 6_140_000)
COARSE_EDGE_POINTS = 4
BLOCKS_ACROSS = 2  # a coarse polygon is seldom narrower


def mapped_region() -> Vintage:
    """The vintage, made the first time."""
    known = Vintage.objects.filter(polygon_count=COLUMNS * ROWS).first()
    return known or _make()


@transaction.atomic
def _make() -> Vintage:
    at = timezone.now()
    habitats = make_legend()
    region = make_region(at)
    artefact = Artefact.objects.create(sha256="0" * 64, suffix=".tif", size_bytes=1, created_at=at)
    facts: dict[str, Any] = {"classes": artefact, "confidence": artefact, "runner_ups": artefact, "created_at": at}
    vintage = Vintage.objects.create(
        region=region,
        year=2024,
        version=make_version(artefact, at),
        minimum_unit_px=4,
        state=VintageState.PUBLISHED,
        published_at=at,
        **facts,
    )
    polygons = coverage(columns=COLUMNS, rows=ROWS, cell_m=CELL_M, origin=ORIGIN)
    load_polygons(vintage=vintage, rows=polygon_rows(polygons, vintage=vintage.pk, habitats=habitats))
    for zoom, block_m in LOW_ZOOMS:
        cell_m = max(CELL_M, BLOCKS_ACROSS * block_m)
        columns, rows = (round(count * CELL_M / cell_m) for count in (COLUMNS, ROWS))
        coarse = coverage(columns=columns, rows=rows, cell_m=cell_m, origin=ORIGIN, edge_points=COARSE_EDGE_POINTS)
        drawn = polygon_rows(coarse, vintage=vintage.pk, habitats=habitats)
        store_generalised(rows=[(vintage.pk, zoom, facts[2], facts[-1]) for facts in drawn])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE habitats_polygon")
        cursor.execute("ANALYZE habitats_generalisedpolygon")
    return vintage


def make_region(at: Any) -> Region:
    """The region of the benchmarks, without territories."""
    footprint = Polygon.from_bbox((1.0, 42.5, 4.5, 44.5))
    footprint.srid = 4326
    region, _created = Region.objects.get_or_create(
        slug="benchmarks",
        defaults={
            "name": "Benchmarks",
            "epsg": 2154,
            "resolution_m": 10.0,
            "typology_code": "EUNIS2012",
            "is_simulated": True,
            "folder": "-",
            "years": [2024],
            "footprint": MultiPolygon(footprint, srid=4326),
            "imported_at": at,
        },
    )
    return region


def make_legend() -> list[int]:
    """HABITATS habitats with their colours; their keys."""
    typology, _created = Typology.objects.get_or_create(code="EUNIS2012", defaults={"name": "EUNIS 2012"})
    found = []
    for position in range(HABITATS):
        habitat, _created = HabitatType.objects.get_or_create(typology=typology, code=f"E{position}.1")
        color = f"#{(position * 655_360 + 4_210_752) % 0x1000000:06x}"
        LegendEntry.objects.get_or_create(habitat_type=habitat, defaults={"position": position, "color": color})
        found.append(habitat.pk)
    return found


def make_version(artefact: Artefact, at: Any) -> ModelVersion:
    """A version that was approved."""
    frozen = TrainingSet.objects.create(
        year=2024, sha256="1" * 64, artefact=artefact, sample_count=1, counts={}, frozen_at=at
    )
    return ModelVersion.objects.create(
        number=1,
        year=2024,
        mode=Mode.ACCURATE,
        seed=0,
        training_set=frozen,
        artefact=artefact,
        code_version="-",
        created_at=at,
        state=VersionState.APPROVED,
        decided_at=at,
        reason="-",
    )
