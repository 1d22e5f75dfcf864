"""Questions about places: search by name, and the outlines that the map draws."""

import re
from collections.abc import Iterable

from django.db import connection
from django.db.models import Q, QuerySet

from territories.models import Territory
from territories.states import TerritoryKind

_SEPARATORS = re.compile(r"[\s'’-]+")
_CODE_IN_BRACKETS = re.compile(r"\((\w+)\)\s*$")
_SHORT_WORDS = {"st": "saint", "ste": "sainte"}
# Wide kinds for wide views: a tile never holds more than some hundreds of outlines.
FIRST_ZOOM_OF_COMMUNES = 9
_MVT_CELLS = 4096
_METRES_PER_CELL_AT_ZOOM_0 = 40_075_016.686 / _MVT_CELLS

_OUTLINE_TILE = """
WITH tile AS (SELECT ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AS box),
near AS (
    SELECT kind, code, name, area_m2, geometry_3857 AS shape
    FROM territories_territory, tile WHERE kind = ANY(%(kinds)s) AND geometry_3857 && ST_Expand(box, %(margin)s)
),
outlines AS (
    SELECT kind, ST_AsMVTGeom(ST_Simplify(shape, %(tolerance)s, true), box) AS geom FROM near, tile
),
names AS (
    SELECT kind, code, name, round(area_m2 / 10000)::int AS area, ST_AsMVTGeom(place, box, 4096, 0) AS geom
    FROM (SELECT near.*, ST_PointOnSurface(shape) AS place FROM near) AS placed, tile WHERE place && box
)
SELECT (SELECT ST_AsMVT(outlines, 'outlines') FROM outlines) || (SELECT ST_AsMVT(names, 'names') FROM names)
"""


def narrowest_kind() -> str:
    """The kind of the smallest territories of this region: communes, unless its folder brought none."""
    present = set(Territory.objects.order_by().values_list("kind", flat=True).distinct())
    return next((kind for kind in reversed(TerritoryKind.values) if kind in present), TerritoryKind.COMMUNE)


def keys_under(keys: Iterable[int]) -> set[int]:
    """The primary keys of some territories and of all those that lie in them, one question per level."""
    found: set[int] = set()
    level = set(keys)
    while level:
        found |= level
        below = Territory.objects.filter(Q(parent__in=level) | Q(epci__in=level)).order_by()
        level = set(below.values_list("pk", flat=True)) - found
    return found


def territories_named(text: str, *, kind: str) -> QuerySet[Territory]:
    """Territories of a kind whose name holds every word of the text, or whose code begins with it.

    Accents, case, hyphens and apostrophes do not matter; `st` stands for `saint`. Names that begin with the text come
    first, then shorter names.
    """
    found = Territory.objects.of_kind(kind).without_geometry().select_related("parent")
    words = [_SHORT_WORDS.get(word.lower(), word) for word in _SEPARATORS.split(text.strip()) if word]
    for word in words:
        found = found.named_like(word)
    return found.named_like(words[0]) if words else found.order_by("name", "code")


def outline_tile(z: int, x: int, y: int) -> bytes:
    """One Mapbox vector tile: layer `outlines` (polygons, `kind`) and layer `names` (points, `name`, `area` in ha)."""
    kinds = [TerritoryKind.DEPARTMENT, TerritoryKind.REGION]
    if z >= FIRST_ZOOM_OF_COMMUNES:
        kinds = [TerritoryKind.DEPARTMENT, TerritoryKind.COMMUNE]
    cell = _METRES_PER_CELL_AT_ZOOM_0 / 2**z
    place: dict[str, int | float] = {"z": z, "x": x, "y": y, "tolerance": 8 * cell, "margin": 64 * cell}
    with connection.cursor() as cursor:
        cursor.execute(_OUTLINE_TILE, {**place, "kinds": [str(kind) for kind in kinds]})
        (tile,) = cursor.fetchone()
    return bytes(tile)


def place_named(text: str) -> Territory | None:
    """The territory that a person means: by `code` or `Name (code)`, else the narrowest one with the closest name."""
    in_brackets = _CODE_IN_BRACKETS.search(text)
    code = in_brackets.group(1) if in_brackets else text
    by_code = Territory.objects.filter(code__iexact=code).order_by("kind").first()
    if by_code:
        return by_code
    kinds = [narrowest_kind(), TerritoryKind.DEPARTMENT, TerritoryKind.EPCI, TerritoryKind.REGION]
    found = [territories_named(text, kind=kind).first() for kind in kinds]
    candidates = [place for place in found if place]
    exact = [place for place in candidates if place.name.casefold() == text.casefold()]
    return next(iter(exact + candidates), None)
