"""Tiles of 100,000 polygons, through the real web server and in the database alone."""

import math
import random
from typing import TYPE_CHECKING

from benchmarks import ground

if TYPE_CHECKING:
    from habitats.models import Vintage
    from habitats.tiles import TileAddress

TILES = 200
POLYGONS = "100,000 polygons"
# What a tile server does that keeps one geometry, in degrees.
ON_THE_FLY = """
WITH bounds AS (
    SELECT ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AS tile,
           ST_Transform(ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 64.0 / 4096), 4326) AS around
),
drawn AS (
    SELECT polygon.id, habitat.code AS c, polygon.confidence AS f,
           ST_AsMVTGeom(ST_Transform(polygon.geometry, 3857), bounds.tile, 4096, 64) AS outline
    FROM bounds
    JOIN habitats_polygon AS polygon ON polygon.geometry && bounds.around
    JOIN habitats_habitattype AS habitat ON habitat.id = polygon.habitat_type_id
    WHERE polygon.vintage_id = %(vintage)s
)
SELECT ST_AsMVT(drawn, 'polygons', 4096, 'outline') FROM drawn
"""


def addresses_over(vintage: "Vintage", zoom: int, count: int) -> "list[TileAddress]":
    """Distinct random tiles over the middle of the vintage, where all of them hold polygons."""
    from habitats.tiles import TileAddress

    side = 2**zoom

    def place(longitude: float, latitude: float) -> tuple[int, int]:
        down = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2
        return int((longitude + 180) / 360 * side), int(down * side)

    west, south, east, north = vintage.region.footprint.extent
    (left, bottom), (right, top) = place(west, south), place(east, north)
    found = [TileAddress(zoom, x, y) for x in range(left, right + 1) for y in range(top, bottom + 1)]
    return random.Random(zoom).sample(found, min(count, len(found)))


def path_of(vintage: "Vintage", address: "TileAddress") -> str:
    return f"/tiles/vintages/{vintage.pk}/{address.z}/{address.x}/{address.y}.mvt"


def measure_web(vintage: "Vintage") -> None:
    """What a map waits for, compression included, once each process has answered."""
    with ground.web_server() as port:
        headers = {"Accept-Encoding": "gzip"}
        ground.warm(port, path_of(vintage, addresses_over(vintage, 14, 1)[0]))
        for zoom, aim in ((12, "< 25 ms"), (10, ""), (7, "")):
            asked = [path_of(vintage, address) for address in addresses_over(vintage, zoom, TILES)]
            spent = ground.timed_requests(port, asked, headers)
            what = f"tile at zoom {zoom}, {POLYGONS}, web server"
            ground.row(f"{what}, p95 of {len(asked)}", "bioccia", ground.percentile(spent, 0.95), "ms", aim)
            ground.row(f"{what}, median", "bioccia", ground.percentile(spent, 0.5), "ms")


def measure_database(vintage: "Vintage") -> None:
    """The same tiles in the database alone, beside a database that keeps degrees only."""
    from django.db import connection

    from habitats import tiles

    def on_the_fly(address: "TileAddress") -> None:
        with connection.cursor() as cursor:
            facts = {"z": address.z, "x": address.x, "y": address.y, "vintage": vintage.pk}
            cursor.execute(ON_THE_FLY, facts)
            cursor.fetchone()

    def stored(address: "TileAddress") -> None:
        tiles.vintage_tile(vintage, address)

    asked = addresses_over(vintage, 12, TILES)
    ours, peer = ground.side_by_side(stored, on_the_fly, asked)
    for share, name in ((0.5, "median"), (0.95, "p95")):
        what = f"tile at zoom 12, {POLYGONS}, database alone, {name} of {TILES}"
        ground.row(what, "bioccia", ground.percentile(ours, share), "ms")
        ground.row(what, "ST_Transform on the fly", ground.percentile(peer, share), "ms")
    low = addresses_over(vintage, 8, 6)
    ours, peer = ground.side_by_side(stored, on_the_fly, low)
    what = f"tile at zoom 8, {POLYGONS}, database alone, median of {len(low)}"
    ground.row(what, "bioccia", ground.percentile(ours, 0.5), "ms")
    ground.row(what, "raw polygons on the fly", ground.percentile(peer, 0.5), "ms")


def main() -> None:
    with ground.own_database():
        from benchmarks.mapped_region import mapped_region

        vintage = mapped_region()
        measure_web(vintage)
        measure_database(vintage)


if __name__ == "__main__":
    main()
