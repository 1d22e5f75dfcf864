"""A decision on a map of 100,000 polygons: the time of the whole action, beside a plain cut in the database."""

import datetime
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import ground

if TYPE_CHECKING:
    from django.contrib.gis.geos import GEOSGeometry

    from habitats.models import HabitatType, Vintage

DECISIONS = 60
POLYGONS = "100,000 polygons"
# What cuts without asking whether neighbours still match: no noding, no minimum unit, no new polygon, no twin.
PLAIN_CUT = """
UPDATE habitats_polygon
SET geometry = (
        SELECT part.geom FROM ST_Dump(ST_Difference(geometry, %(outline)s::geometry)) AS part
        ORDER BY ST_Area(part.geom) DESC LIMIT 1
    ),
    version = version + 1
WHERE vintage_id = %(vintage)s AND ST_Intersects(geometry, %(outline)s::geometry)
  AND NOT ST_CoveredBy(geometry, %(outline)s::geometry)
"""


def working_vintage() -> "Vintage":
    """The vintage of the benchmarks, open to decisions."""
    from benchmarks.mapped_region import mapped_region
    from habitats.models import Vintage
    from habitats.states import VintageState

    vintage = mapped_region()
    Vintage.objects.filter(pk=vintage.pk).update(state=VintageState.WORKING)
    vintage.refresh_from_db()
    return vintage


def habitat_of_no_polygon() -> "HabitatType":
    """A habitat of the legend that the map does not draw, so that every decision changes something."""
    from habitats.models import HabitatType, LegendEntry, Typology

    typology = Typology.objects.get(code="EUNIS2012")
    habitat, _created = HabitatType.objects.get_or_create(typology=typology, code="X1")
    LegendEntry.objects.get_or_create(habitat_type=habitat, defaults={"position": 900, "color": "#000000"})
    return habitat


def outlines_over(vintage: "Vintage", side_m: float) -> "list[GEOSGeometry]":
    """Crooked outlines around random polygons, each across several of them."""
    from django.contrib.gis.geos import Polygon as Outline

    rng = np.random.default_rng(3)
    numbers = rng.choice(vintage.polygon_count, DECISIONS, replace=False) + 1
    drawn = []
    for polygon in vintage.polygons.filter(number__in=numbers.tolist()).order_by("number"):
        middle = polygon.geometry.point_on_surface.transform(2154, clone=True)
        turns = np.sort(rng.uniform(0, 2 * np.pi, 9))
        radii = rng.uniform(0.3, 0.7, 9) * side_m
        corners = [(middle.x + r * np.cos(t), middle.y + r * np.sin(t)) for t, r in zip(turns, radii, strict=True)]
        outline = Outline([*corners, corners[0]], srid=2154)
        if not outline.valid:
            continue
        outline = outline.transform(4326, clone=True)
        # Some wandering edges of the synthetic map cross themselves, which the plain cut cannot read.
        if not vintage.polygons.filter(geometry__intersects=outline, geometry__isvalid=False).exists():
            drawn.append(outline)
    return drawn


def measure_outlines(vintage: "Vintage") -> None:
    """Decide each outline in a transaction that is taken back, so that all meet the same map."""
    from django.db import connection, transaction

    from habitats.actions import correct_outline

    habitat = habitat_of_no_polygon()
    facts = {"by": None, "at": datetime.datetime.now(datetime.UTC), "observed_on": None, "reason": "-"}

    def decide(outline: "GEOSGeometry") -> None:
        with transaction.atomic():
            correct_outline(vintage=vintage, outline=outline, to_type=habitat, source="report:bench", **facts)
            transaction.set_rollback(True)

    def plain(outline: "GEOSGeometry") -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(PLAIN_CUT, {"outline": outline.hexewkb.decode(), "vintage": vintage.pk})
            transaction.set_rollback(True)

    for side_m in (400, 1500):
        drawn = outlines_over(vintage, side_m)
        decide(drawn[0])
        ours, peer = ground.side_by_side(decide, plain, drawn)
        what = f"decide a drawn outline of about {side_m} m, {POLYGONS}"
        for share, name in ((0.5, "median"), (0.95, "p95")):
            ground.row(
                f"{what}, {name}", "bioccia", ground.percentile(ours, share), "ms", "< 100" if share > 0.9 else ""
            )
            ground.row(f"{what}, {name}", "plain cut by SQL", ground.percentile(peer, share), "ms")


def measure_polygons(vintage: "Vintage") -> None:
    """Whole polygons, beside the UPDATE alone."""
    from django.db import connection, transaction

    from habitats.actions import correct_polygons

    habitat = habitat_of_no_polygon()
    facts = {"by": None, "at": datetime.datetime.now(datetime.UTC), "observed_on": None, "reason": "-"}
    numbers = list(vintage.polygons.order_by("number").values_list("number", flat=True)[: 40 * DECISIONS : 40])

    def decide(number: int) -> None:
        with transaction.atomic():
            correct_polygons(vintage=vintage, polygons=[(number, 1)], to_type=habitat, source="report:bench", **facts)
            transaction.set_rollback(True)

    def plain(number: int) -> None:
        place = "WHERE vintage_id = %s AND number = %s"
        sql = f"UPDATE habitats_polygon SET habitat_type_id = %s, version = version + 1 {place}"  # noqa: S608 - constants
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, [habitat.pk, vintage.pk, number])
            transaction.set_rollback(True)

    decide(numbers[0])
    ours, peer = ground.side_by_side(decide, plain, numbers)
    what = f"decide a whole polygon, {POLYGONS}, p95 of {len(numbers)}"
    ground.row(what, "bioccia", ground.percentile(ours, 0.95), "ms", "< 50")
    ground.row(what, "the UPDATE alone", ground.percentile(peer, 0.95), "ms")


def main() -> None:
    with ground.own_database():
        from habitats.models import Vintage
        from habitats.states import VintageState

        vintage = working_vintage()
        try:
            measure_polygons(vintage)
            measure_outlines(vintage)
        finally:
            Vintage.objects.filter(pk=vintage.pk).update(state=VintageState.PUBLISHED)


if __name__ == "__main__":
    main()
