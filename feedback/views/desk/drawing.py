"""What the map of one report draws, as its scripts read it."""

import json
from typing import Any

from django.contrib.gis.geos import GEOSGeometry
from django.utils.translation import gettext as _

from feedback.views.desk.sheet import DeskSheet
from habitats.models import LegendEntry, Polygon
from habitats.tiles import address_of_tiles
from habitats.views.basemaps import BASEMAPS

DEGREES = 7  # decimals: a centimetre


def map_of(sheet: DeskSheet) -> dict[str, Any]:
    """Everything that the map of the desk needs: outlines with their words, tiles, colours, backgrounds."""
    report, proposal = sheet.report, sheet.proposal
    drawn = sheet.covered if report.is_drawn else []
    contested = sheet.contested or [piece.polygon for piece in drawn]
    listed = {polygon.pk for polygon in contested}
    return {
        "contested": [_polygon(polygon) for polygon in contested],
        "neighbours": [_polygon(each.polygon) for each in sheet.neighbours if each.polygon.pk not in listed],
        "outline": outline_json(report.geometry) if report.is_drawn else None,
        "decided": _decided(sheet) if proposal else None,
        "reports": [_report(each) for each in sheet.around if each.geometry is not None],
        "bounds": _bounds(report.geometry),
        "tiles": address_of_tiles("habitats:tile", report.vintage_id) if report.vintage_id else None,
        "outlines": address_of_tiles("habitats:outline-tile"),
        "colors": dict(LegendEntry.objects.values_list("habitat_type__code", "color")),
        "basemaps": BASEMAPS,
        "words": _words(),
    }


def outline_json(outline: GEOSGeometry | None) -> Any:
    """An outline as GeoJSON; None where there is none."""
    return json.loads(outline.json) if outline is not None else None


def _polygon(polygon: Polygon) -> dict[str, Any]:
    habitat = polygon.habitat_type
    return {
        "number": polygon.number,
        "code": habitat.code,
        "label": habitat.label,
        "geometry": outline_json(polygon.geometry),
    }


def _report(report: Any) -> dict[str, Any]:
    """Another report: where its middle is, and what it says."""
    middle = report.geometry.point_on_surface
    proposed = report.proposed_type.code if report.proposed_type else ""
    return {"number": report.pk, "state": report.get_state_display(), "code": proposed, "at": [middle.y, middle.x]}


def _decided(sheet: DeskSheet) -> dict[str, Any] | None:
    """The ground of the proposal, and the habitat that it would take."""
    proposal = sheet.proposal
    if proposal is None or proposal.to_type is None:
        return None
    if proposal.outline is not None:
        shapes = [outline_json(proposal.outline)]
    else:
        shapes = [outline_json(polygon.geometry) for polygon in sheet.contested]
    return {"code": proposal.to_type.code, "label": proposal.to_type.label, "shapes": shapes}


def _bounds(place: GEOSGeometry | None) -> list[list[float]] | None:
    if place is None:
        return None
    west, south, east, north = place.extent
    return [[south, west], [north, east]]


def _words() -> dict[str, str]:
    return {
        "zoom_in": _("Zoom in"),
        "zoom_out": _("Zoom out"),
        "map": _("Map of the contested place"),
        "basemap_failed": _("The background does not answer. The map goes on without it."),
        "report": _("Report %(number)s, %(state)s"),
        "outline_ready": _("The outline is drawn. Its effect is counted in the form."),
        "too_few_corners": _("An outline needs three corners, and may not cross itself."),
        "drawing": _(
            "Click each corner of the outline, the first one again to close it. By keyboard: arrows move the map,"
            " Enter places a corner in its middle."
        ),
    }
