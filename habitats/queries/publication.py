"""Questions of a release about the polygons of a vintage, answered by the database in one pass."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import connection

from habitats.models import Vintage

# What a reader of the map sees of a polygon, in an order and a spelling that never change. Primary keys stay out:
# the same map made twice has the same hash. PostgreSQL writes floats with the digits that give them back exactly.
_HASH = """
SELECT encode(sha256(string_agg(sha256(
    convert_to(concat_ws('|', polygon.number, typology.code, habitat.code, polygon.confidence, polygon.version,
        first.code, polygon.runner_up_1_share, second.code, polygon.runner_up_2_share, polygon.area_m2), 'UTF8')
    || ST_AsBinary(polygon.geometry, 'NDR')
), ''::bytea ORDER BY polygon.number)), 'hex')
FROM habitats_polygon AS polygon
JOIN habitats_habitattype AS habitat ON habitat.id = polygon.habitat_type_id
JOIN habitats_typology AS typology ON typology.id = habitat.typology_id
LEFT JOIN habitats_habitattype AS first ON first.id = polygon.runner_up_1_id
LEFT JOIN habitats_habitattype AS second ON second.id = polygon.runner_up_2_id
WHERE polygon.vintage_id = %s
"""
_ROWS = """
SELECT polygon.number, typology.code, habitat.code, habitat.label_fr, habitat.label_en, polygon.confidence,
    first.code, polygon.runner_up_1_share, second.code, polygon.runner_up_2_share,
    EXISTS (
        SELECT FROM habitats_correctedpiece AS piece
        JOIN habitats_correction AS correction ON correction.id = piece.correction_id
        WHERE piece.vintage_id = polygon.vintage_id AND piece.number = polygon.number
            AND piece.version_after > coalesce(piece.version_before, 0)
            AND correction.state = 'applied' AND correction.reverts_id IS NULL
    ),
    ST_AsBinary(polygon.geometry, 'NDR')
FROM habitats_polygon AS polygon
JOIN habitats_habitattype AS habitat ON habitat.id = polygon.habitat_type_id
JOIN habitats_typology AS typology ON typology.id = habitat.typology_id
LEFT JOIN habitats_habitattype AS first ON first.id = polygon.runner_up_1_id
LEFT JOIN habitats_habitattype AS second ON second.id = polygon.runner_up_2_id
WHERE polygon.vintage_id = %s
ORDER BY polygon.number
"""
_OUTLINES = """
SELECT number, ST_AsBinary(geometry, 'NDR') FROM habitats_polygon WHERE vintage_id = %s ORDER BY number
"""


class PublishedPolygon(NamedTuple):
    """What a release says of one polygon."""

    number: int
    typology: str
    code: str
    label_fr: str
    label_en: str
    confidence: int
    runner_up_1: str | None
    runner_up_1_share: int
    runner_up_2: str | None
    runner_up_2_share: int
    is_corrected: bool
    outline: bytes


def hash_of_polygons(vintage: Vintage) -> str:
    """The hash of all that the polygons of a vintage say; empty where it has none."""
    with connection.cursor() as cursor:
        cursor.execute(_HASH, [vintage.pk])
        (found,) = cursor.fetchone()
    return found or ""


def published_polygons(vintage: Vintage) -> Iterator[PublishedPolygon]:
    """The polygons of a vintage by number, outlines as WKB in EPSG:4326."""
    for row in _rows(_ROWS, vintage):
        *facts, outline = row
        yield PublishedPolygon._make([*facts, bytes(outline)])


def outlines_of(vintage: Vintage) -> tuple[list[int], list[bytes]]:
    """Numbers and outlines (WKB, EPSG:4326) of a vintage, by number."""
    rows = list(_rows(_OUTLINES, vintage))
    return [number for number, _outline in rows], [bytes(outline) for _number, outline in rows]


def _rows(query: str, vintage: Vintage) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, [vintage.pk])
        yield from cursor.fetchall()
