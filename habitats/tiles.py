"""Vector tiles, each by one SQL query on stored EPSG:3857 outlines."""

import math
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
