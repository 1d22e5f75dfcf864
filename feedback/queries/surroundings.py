"""What surrounds a contested place: its polygons as they are now, neighbours, other years, samples, other reports."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.gis.db.models.functions import Area, Intersection, Length, Transform
from django.contrib.gis.geos import GEOSGeometry
from django.contrib.gis.geos import Polygon as Outline
from django.db.models import Count, QuerySet

from feedback.models import Report
from feedback.queries.second_signature import second_signature_reasons
from feedback.states import SecondSignature
from habitats.models import Correction, HabitatType, Polygon, Vintage
from habitats.queries import samples_visible_to, vintages_visible_to
from territories.permissions import Person

AROUND_M = 500
MOST_NEIGHBOURS = 40
MOST_REPORTS_AROUND = 60
# A side or a piece below this is the trace of rounding degrees, not a shared border.
LEAST_SIDE_M, LEAST_PIECE_M2 = 0.5, 1.0


@dataclass(frozen=True)
class Neighbour:
    """A polygon beside the contested ones, and the length of the border it shares with them (m)."""

    polygon: Polygon
    side_m: float


@dataclass(frozen=True)
class Piece:
    """The part of a polygon that an outline covers (m²)."""

    polygon: Polygon
    area_m2: float


@dataclass(frozen=True)
class OtherYear:
    """What another vintage shows at the place."""

    vintage: Vintage
    polygon: Polygon


@dataclass(frozen=True)
class Change:
    """An area (m²) that would go from one habitat to another."""

    from_type: HabitatType
    to_type: HabitatType
    area_m2: float


def contested_polygons(report: Report) -> list[Polygon]:
    """The polygons of a report as its vintage holds them now, by number; those that are gone are left out."""
    if report.vintage_id is None:
        return []
    numbers = [line.number for line in report.polygons.all()]
    return list(_of_vintage(report).filter(number__in=numbers).order_by("number"))


def neighbours(report: Report, contested: Iterable[Polygon]) -> list[Neighbour]:
    """The polygons that share a border with the contested ones (or with the outline), longest side first."""
    contested = list(contested)
    if report.vintage_id is None or report.geometry is None:
        return []
    place = _union([polygon.geometry for polygon in contested]) if contested else report.geometry
    around = (
        _of_vintage(report)
        .filter(geometry__intersects=place)
        .exclude(pk__in=[polygon.pk for polygon in contested])
        .annotate(side=Length(Transform(Intersection("geometry", place), report.round.region.epsg)))
        .order_by("-side", "number")[:MOST_NEIGHBOURS]
    )
    found = [Neighbour(polygon, polygon.side.m if polygon.side else 0.0) for polygon in around]
    return [neighbour for neighbour in found if neighbour.side_m >= LEAST_SIDE_M]


def pieces_under(report: Report, outline: GEOSGeometry) -> list[Piece]:
    """The polygons that an outline covers in part or whole, largest part first."""
    if report.vintage_id is None:
        return []
    covered = (
        _of_vintage(report)
        .filter(geometry__intersects=outline)
        .annotate(part=Area(Transform(Intersection("geometry", outline), report.round.region.epsg)))
        .order_by("-part", "number")
    )
    pieces = [Piece(polygon, polygon.part.sq_m if polygon.part else 0.0) for polygon in covered]
    return [piece for piece in pieces if piece.area_m2 >= LEAST_PIECE_M2]


def pieces_decided(report: Report, outline: GEOSGeometry | None) -> list[Piece]:
    """What a decision would be about: the contested polygons, or the parts that an outline covers."""
    if outline is not None:
        return pieces_under(report, outline)
    return [Piece(polygon, polygon.area_m2) for polygon in contested_polygons(report)]


def changes_to(to_type: HabitatType, pieces: Iterable[Piece]) -> list[Change]:
    """What giving one habitat to some ground would change, by habitat that loses ground, largest first."""
    lost: dict[HabitatType, float] = {}
    for piece in pieces:
        if piece.polygon.habitat_type != to_type:
            lost[piece.polygon.habitat_type] = lost.get(piece.polygon.habitat_type, 0.0) + piece.area_m2
    changes = [Change(from_type, to_type, area) for from_type, area in lost.items()]
    return sorted(changes, key=lambda change: -change.area_m2)


def signatures_needed(report: Report, *, to_type: HabitatType | None, pieces: list[Piece]) -> list[SecondSignature]:
    """Why one signature would not be enough for such a decision; `to_type` None: the map stays as it is."""
    return second_signature_reasons(
        report,
        present=[piece.polygon.habitat_type for piece in pieces],
        decided=to_type,
        area_m2=max(sum(piece.area_m2 for piece in pieces), report.area_m2),
    )


def other_years(report: Report, person: Person, *, on: datetime.date) -> list[OtherYear]:
    """What the other vintages that the person may see show at the middle of the place, latest first."""
    if report.geometry is None:
        return []
    middle = report.geometry.point_on_surface
    vintages = [vintage for vintage in vintages_visible_to(person, on=on) if vintage.pk != report.vintage_id]
    polygons = Polygon.objects.for_lists().defer("geometry", "geometry_3857").at(middle).filter(vintage__in=vintages)
    by_vintage = {polygon.vintage_id: polygon for polygon in polygons}
    return [OtherYear(vintage, by_vintage[vintage.pk]) for vintage in vintages if vintage.pk in by_vintage]


def corrections_at(report: Report) -> QuerySet[Correction]:
    """The corrections that stand on the place, latest first: what a report already corrected may name."""
    standing = Correction.objects.applied().filter(vintage=report.vintage_id, geometry__intersects=report.geometry)
    return standing.select_related("to_type").order_by("-decided_at", "-pk")


def sample_counts_around(report: Report, person: Person, *, on: datetime.date) -> list[dict]:
    """Samples that the person may see within AROUND_M of the place, counted by habitat (never the audit sample)."""
    if report.geometry is None:
        return []
    around = samples_visible_to(person, on=on).filter(geometry__intersects=box_around(report))
    counts = list(around.order_by().values("habitat_type").annotate(samples=Count("pk")).order_by("-samples"))
    types = HabitatType.objects.in_bulk([row["habitat_type"] for row in counts])
    return [{"habitat_type": types[row["habitat_type"]], "samples": row["samples"]} for row in counts]


def reports_around(report: Report, visible: QuerySet[Report]) -> list[Report]:
    """Other reports within AROUND_M of the place, among those that the person may see, newest first."""
    if report.geometry is None:
        return []
    others = visible.exclude(pk=report.pk).exclude(submitted_at=None)
    around = others.filter(geometry__intersects=box_around(report))
    # Lists leave outlines out; here each is drawn.
    drawn = around.defer(None).defer("commune__geometry", "commune__geometry_3857")
    return list(drawn.order_by("-submitted_at", "-pk")[:MOST_REPORTS_AROUND])


def box_around(report: Report) -> GEOSGeometry:
    """The box that holds the place and AROUND_M on each side of it, in SRID 4326."""
    epsg = report.round.region.epsg
    if report.geometry is None:
        raise ValueError("a report without a place has nothing around it")
    west, south, east, north = report.geometry.transform(epsg, clone=True).extent
    box = Outline.from_bbox((west - AROUND_M, south - AROUND_M, east + AROUND_M, north + AROUND_M))
    box.srid = epsg
    return box.transform(4326, clone=True)


def _of_vintage(report: Report) -> QuerySet[Polygon]:
    polygons = Polygon.objects.for_lists().select_related("habitat_type__legend_entry")
    return polygons.filter(vintage=report.vintage)


def _union(outlines: list[GEOSGeometry]) -> GEOSGeometry:
    whole = outlines[0]
    for outline in outlines[1:]:
        whole = whole.union(outline)
    return whole
