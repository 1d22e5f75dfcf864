"""Vector tiles, each by one SQL query on stored EPSG:3857 outlines."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection
from django.urls import reverse

from habitats.models import Vintage

LARGEST_ZOOM = 18
# From here on a tile holds few enough polygons to be drawn from them; below, only from their generalisation.
FIRST_POLYGON_ZOOM = 12
# A tile of more would take over 50 ms and half a megabyte to show polygons smaller than a pixel.
MOST_POLYGONS = 8_000
EQUATOR_M = 40_075_017

# 4096 units a side, and 64 around it so that outlines drawn with a width don't stop at the edges of tiles.
_BOUNDS = """
    SELECT ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AS tile,
           ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 64.0 / 4096) AS around
"""
# Rows are ordered so that the same polygons give the same bytes, which the ETag is made from. ST_AsMVT passes over
# outlines smaller than the grid (NULL) by itself; a condition on them would have each computed twice.
_POLYGONS = f"""
WITH bounds AS ({_BOUNDS}),
drawn AS (
    SELECT polygon.id, habitat.code AS c, polygon.confidence AS f,
           ST_AsMVTGeom(polygon.geometry_3857, bounds.tile, 4096, 64) AS outline
    FROM bounds
    JOIN habitats_polygon AS polygon ON polygon.geometry_3857 && bounds.around
    JOIN habitats_habitattype AS habitat ON habitat.id = polygon.habitat_type_id
    WHERE polygon.vintage_id = %(vintage)s
    ORDER BY polygon.id
)
SELECT ST_AsMVT(drawn, 'polygons', 4096, 'outline') FROM drawn
"""  # noqa: S608 - constants only
_GENERALISED = f"""
WITH bounds AS ({_BOUNDS}),
level AS (
    SELECT coalesce(
        (SELECT min(max_zoom) FROM habitats_generalisedpolygon WHERE vintage_id = %(vintage)s AND max_zoom >= %(z)s),
        (SELECT max(max_zoom) FROM habitats_generalisedpolygon WHERE vintage_id = %(vintage)s)
    ) AS max_zoom
),
drawn AS (
    SELECT habitat.code AS c, ST_AsMVTGeom(coarse.geometry_3857, bounds.tile, 4096, 64) AS outline
    FROM bounds, level
    JOIN habitats_generalisedpolygon AS coarse ON coarse.max_zoom = level.max_zoom
    JOIN habitats_habitattype AS habitat ON habitat.id = coarse.habitat_type_id
    WHERE coarse.vintage_id = %(vintage)s AND coarse.geometry_3857 && bounds.around
    ORDER BY coarse.id
)
SELECT ST_AsMVT(drawn, 'polygons', 4096, 'outline') FROM drawn
"""  # noqa: S608 - constants only


@dataclass(frozen=True)
class TileAddress:
    """A tile of the usual pyramid: 2^z tiles a side, counted from the north-west."""

    z: int
    x: int
    y: int

    def exists(self) -> bool:
        """Whether the pyramid has it."""
        return self.z <= LARGEST_ZOOM and max(self.x, self.y) < 2**self.z

    def area_m2(self) -> float:
        """On the ground, in the middle of the tile."""
        latitude = math.atan(math.sinh(math.pi * (1 - 2 * (self.y + 0.5) / 2**self.z)))
        return (EQUATOR_M * math.cos(latitude) / 2**self.z) ** 2


def address_of_tiles(name: str, *identifiers: int) -> str:
    """The address of a layer of tiles by the name of its URL, with the {z}/{x}/{y} that map libraries fill in."""
    return reverse(name, args=[*identifiers, 0, 0, 0]).replace("0/0/0.mvt", "{z}/{x}/{y}.mvt")


def vintage_tile(vintage: Vintage, address: TileAddress) -> bytes:
    """The polygons of a vintage as a Mapbox vector tile; empty where there is none.

    Layer `polygons`: `c` is the habitat's code; from zoom 12 on also `id` and `f`, the confidence in percent.
    """
    is_coarse = address.z < FIRST_POLYGON_ZOOM or _is_crowded(vintage, address)
    return _tile(_GENERALISED if is_coarse else _POLYGONS, address, vintage=vintage.pk)


def _is_crowded(vintage: Vintage, address: TileAddress) -> bool:
    """Whether the mean density of the vintage promises too many polygons, and there is something coarser to draw."""
    expected = vintage.polygon_count * address.area_m2() / max(vintage.area_m2, 1.0)
    # A mean over a vintage smaller than the tile would promise more polygons than there are.
    return min(expected, vintage.polygon_count) > MOST_POLYGONS and vintage.generalised.exists()


def _tile(query: str, address: TileAddress, *, vintage: int) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(query, {"z": address.z, "x": address.x, "y": address.y, "vintage": vintage})
        (tile,) = cursor.fetchone()
    return bytes(tile or b"")


# One column of the pyramid at a time: the tiles of an archive share a plan, and progress can be told between columns.
_ARCHIVED_POLYGONS = """
SELECT line.y, (
    SELECT ST_AsMVT(drawn, 'polygons', 4096, 'outline') FROM (
        SELECT polygon.number AS n, habitat.code AS c, polygon.confidence AS f,
               ST_AsMVTGeom(polygon.geometry_3857, ST_TileEnvelope(%(z)s, %(x)s, line.y), 4096, 64) AS outline
        FROM habitats_polygon AS polygon
        JOIN habitats_habitattype AS habitat ON habitat.id = polygon.habitat_type_id
        WHERE polygon.vintage_id = %(vintage)s
            AND polygon.geometry_3857 && ST_TileEnvelope(%(z)s, %(x)s, line.y, margin => 64.0 / 4096)
        ORDER BY polygon.number
    ) AS drawn
)
FROM generate_series(%(first)s, %(last)s) AS line(y)
"""
_ARCHIVED_GENERALISED = """
SELECT line.y, (
    SELECT ST_AsMVT(drawn, 'polygons', 4096, 'outline') FROM (
        SELECT habitat.code AS c,
               ST_AsMVTGeom(coarse.geometry_3857, ST_TileEnvelope(%(z)s, %(x)s, line.y), 4096, 64) AS outline
        FROM habitats_generalisedpolygon AS coarse
        JOIN habitats_habitattype AS habitat ON habitat.id = coarse.habitat_type_id
        WHERE coarse.vintage_id = %(vintage)s AND coarse.max_zoom = %(z)s
            AND coarse.geometry_3857 && ST_TileEnvelope(%(z)s, %(x)s, line.y, margin => 64.0 / 4096)
        ORDER BY coarse.id
    ) AS drawn
)
FROM generate_series(%(first)s, %(last)s) AS line(y)
"""


def column_of_tiles(vintage: Vintage, zoom: int, x: int, rows: range) -> Iterator[tuple[TileAddress, bytes]]:
    """The tiles of one column of a vintage for its archive, those without anything left out.

    Layer `polygons`: `c` is the habitat's code; from zoom 12 on also `n`, the number in the vintage, and `f`, the
    confidence in percent. No primary key: the same map gives the same archive.
    """
    query = _ARCHIVED_GENERALISED if zoom < FIRST_POLYGON_ZOOM else _ARCHIVED_POLYGONS
    asked = {"z": zoom, "x": x, "vintage": vintage.pk, "first": rows.start, "last": rows.stop - 1}
    with connection.cursor() as cursor:
        cursor.execute(query, asked)
        for y, tile in cursor.fetchall():
            if tile:
                yield TileAddress(zoom, x, y), bytes(tile)


def extent_of(vintage: Vintage) -> tuple[float, float, float, float]:
    """West, south, east, north of a vintage in degrees; the whole earth where it has no polygon."""
    query = (
        "SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box) FROM ("
        "SELECT ST_Extent(geometry) AS box FROM habitats_polygon WHERE vintage_id = %s) AS found"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [vintage.pk])
        west, south, east, north = cursor.fetchone()
    return (west, south, east, north) if west is not None else (-180.0, -85.0, 180.0, 85.0)


def tiles_over(extent: tuple[float, float, float, float], zoom: int) -> tuple[range, range]:
    """Columns and rows of the tiles of a zoom that an extent in degrees touches."""
    west, south, east, north = extent
    side = 2**zoom

    def column(longitude: float) -> int:
        return min(max(int((longitude + 180) / 360 * side), 0), side - 1)

    def row(latitude: float) -> int:
        return min(max(int((1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * side), 0), side - 1)

    return range(column(west), column(east) + 1), range(row(north), row(south) + 1)
