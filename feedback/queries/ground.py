"""What stands on a place: the vintage contested, its polygons, communes, and other reports."""

from collections.abc import Collection, Sequence
from typing import Any

from django.contrib.gis.geos import GEOSGeometry
from django.db import connection
from django.db.models import Q, QuerySet

from feedback.models import Report, Round
from feedback.states import OPEN_STATES, ReportState
from habitats.models import HabitatType, Polygon, Vintage
from habitats.states import Stake, VintageState
from territories.models import Territory
from territories.states import TerritoryKind

# Nothing at stake comes first: a stake is lowered when a later one becomes an earlier one.
STAKE_ORDER: tuple[str, ...] = ("", *Stake.values)
SHARES_GROUND = "T********"  # DE-9IM: the interiors meet; a shared border is not enough
MOST_NEAR = 20

# Outlines of departments are heavy: only what lies in the box of the place is cut with it. A share of areas needs no
# projection on a place of some kilometres.
_SHARE_INSIDE = """
WITH place AS (SELECT ST_GeomFromEWKB(%(place)s) AS shape),
held AS (
    SELECT ST_Union(ST_MakeValid(ST_ClipByBox2D(geometry, place.shape))) AS shape
    FROM territories_territory, place WHERE id = ANY(%(held)s) AND geometry && place.shape
),
ground AS (
    SELECT ST_MakeValid(ST_ClipByBox2D(geometry, place.shape)) AS shape
    FROM territories_territory, place WHERE id = %(ground)s AND geometry && place.shape
)
SELECT ST_Area(ST_Intersection(ST_Intersection(place.shape, held.shape), ground.shape)) / ST_Area(place.shape)
FROM place, held, ground
"""


def share_inside(place: GEOSGeometry, *, held: Collection[int], within: int) -> float:
    """The share (0-1) of a place that lies in the union of some territories and in another one.

    Args:
        place: a valid polygon, SRID 4326.
        held: primary keys of the territories of the union.
        within: primary key of the other one.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SHARE_INSIDE, {"place": bytes(place.ewkb), "held": list(held), "ground": within})
        row = cursor.fetchone()
    return float(row[0] or 0.0) if row else 0.0


def contested_vintage(round_: Round) -> Vintage | None:
    """The working vintage of the round's year: the map that its reports are about."""
    shown = Vintage.objects.filter(region_id=round_.region_id, year=round_.year, state=VintageState.WORKING)
    return shown.defer("metrics").first()


def polygons_under(vintage: Vintage, outline: GEOSGeometry) -> QuerySet[Polygon]:
    """The polygons of a vintage that share ground with an outline, by number."""
    under = Polygon.objects.filter(geometry__bboverlaps=outline, geometry__relate=(outline, SHARES_GROUND))
    return with_stakes(under.filter(vintage=vintage).order_by("number"))


def with_stakes(polygons: QuerySet[Polygon]) -> QuerySet[Polygon]:
    """Polygons with their habitat and its stake, without the twin outline."""
    return polygons.select_related("habitat_type__legend_entry").defer("geometry_3857")


def commune_of(place: GEOSGeometry) -> Territory | None:
    """The narrowest territory that holds a point inside the place."""
    point = place.point_on_surface
    for kind in reversed(TerritoryKind.values):
        found = Territory.objects.of_kind(kind).without_geometry().containing(point).order_by("code").first()
        if found:
            return found
    return None


def stake_of(habitat_type: HabitatType | None) -> str:
    """The stake that the legend gives to a habitat; empty where it gives none."""
    entry = getattr(habitat_type, "legend_entry", None)
    return entry.stake if entry else ""


def highest_stake(stakes: Sequence[str]) -> str:
    """The highest of some stakes."""
    return max(stakes, key=STAKE_ORDER.index, default="")


def reports_on(place: GEOSGeometry, *, round_: Round) -> QuerySet[Report]:
    """Reports of the same map whose place shares ground with this one; drafts are nobody else's business."""
    same_map = Report.objects.not_drafts().filter(round__year=round_.year, round__region=round_.region_id)
    return same_map.filter(geometry__bboverlaps=place, geometry__relate=(place, SHARES_GROUND))


def open_reports_on(place: GEOSGeometry, *, round_: Round, other_than: int) -> list[int]:
    """Primary keys of the open reports on the same ground, oldest first."""
    found = reports_on(place, round_=round_).filter(state__in=OPEN_STATES).exclude(pk=other_than)
    return list(found.order_by("pk").values_list("pk", flat=True)[:MOST_NEAR])


def near_duplicates(report: Report) -> QuerySet[Report]:
    """The reports that were open on the same ground when this one was sent, and those sent there since."""
    # Two short lists of keys: one question for both would read every report.
    keys = {*report.near.values_list("pk", flat=True), *report.near_later.values_list("pk", flat=True)}
    near = Report.objects.filter(pk__in=keys).defer("geometry")
    return near.select_related("author", "proposed_type", "round").order_by("pk")


def disagreeing_reports(report: Report, proposed: HabitatType | None) -> QuerySet[Report]:
    """Open or accepted reports of others on the same ground that propose another habitat.

    One that was joined to an undecided report still says what it says.
    """
    if proposed is None or report.geometry is None:
        return Report.objects.none()
    standing = (*OPEN_STATES, ReportState.ACCEPTED, ReportState.INTEGRATED)
    undecided = Q(state=ReportState.MERGED, closed_at=None)
    others = reports_on(report.geometry, round_=report.round).filter(Q(state__in=standing) | undecided)
    others = others.exclude(pk=report.pk).exclude(author=report.author_id)
    return others.exclude(proposed_type=None).exclude(proposed_type=proposed)


def changes_since(seen: Sequence[dict[str, Any]], vintage: Vintage | None) -> list[dict[str, Any]]:
    """Which polygons are no longer what somebody saw.

    Args:
        seen: for each polygon `number` and `version_seen` (and `id`, where known).
        vintage: the map as it stands now; None: nothing of it stands.

    Returns:
        Those that changed, as PolygonsSeenChangedError says them.
    """
    numbers = [line["number"] for line in seen]
    now = {polygon.number: polygon for polygon in _now(vintage, numbers)}
    changed = []
    for line in seen:
        polygon = now.get(line["number"])
        if polygon is None or polygon.version != line["version_seen"]:
            changed.append({"id": line.get("id"), **line, **_state_of(polygon)})
    return changed


def _now(vintage: Vintage | None, numbers: list[int]) -> QuerySet[Polygon]:
    polygons = Polygon.objects.filter(vintage=vintage, number__in=numbers) if vintage else Polygon.objects.none()
    return polygons.select_related("habitat_type").only("number", "version", "habitat_type__code")


def _state_of(polygon: Polygon | None) -> dict[str, Any]:
    if polygon is None:
        return {"version": None, "code": None}
    return {"version": polygon.version, "code": polygon.habitat_type.code}
