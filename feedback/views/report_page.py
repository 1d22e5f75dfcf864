"""What the page of one report shows, and the small map of one report or of several."""

import datetime
import json
from collections.abc import Sequence
from typing import Any

from django.contrib.gis.geos import GEOSGeometry
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback.forms.reports import AnswerForm, AppealForm, PhotoForm
from feedback.models import Report
from feedback.permissions import may_attach, may_decide
from feedback.queries import effect_of, standing_decision
from feedback.queries.reviewers import deadline_of
from feedback.states import OUTCOMES, REJECTED, TAKES_FILES, MessageKind, ReportState
from feedback.views.report_story import story_of
from feedback.views.standing import standing_of
from feedback.views.tags import tag_of_report
from habitats.models import Vintage
from habitats.queries import mappable_legend, vintages_visible_to
from habitats.tiles import address_of_tiles
from territories.permissions import Person, SignedInRequest

LEAST_BOX_DEGREES = 0.004
WITHDRAWABLE = (ReportState.SUBMITTED, ReportState.NEEDS_INFO)
# Once decided, and as long as the decision is the author's to read.
SHOWS_DECISION = (*OUTCOMES, ReportState.INTEGRATED, ReportState.REVERTED)


def report_context(request: SignedInRequest, report: Report, **forms: Any) -> dict[str, Any]:
    """For the template; `forms` are those that came back with what was typed."""
    today = timezone.localdate()
    is_author = report.author_id == request.user.pk
    deadline = deadline_of(report)
    reports = Report.objects.not_drafts()
    return {
        "report": report,
        "kind": tag_of_report(report.state),
        "is_author": is_author,
        "may_decide": may_decide(request.user, report, today),
        "standing": standing_of(report.round, timezone.now()),
        "story": story_of(report, is_author=is_author),
        "decision": standing_decision(report) if report.state in SHOWS_DECISION else None,
        "effect": effect_of(report),
        "deadline": deadline,
        "joined": reports.filter(master=report).count(),
        "polygons": report.polygons.select_related("polygon__habitat_type", "type_seen"),
        "place": _position(report.geometry),
        "map_year": _map_year(request.user, report, today),
        "places": places_map([report], vintage=_vintage_seen(request.user, report, today)),
        "answer_form": AnswerForm() if is_author and report.state == ReportState.NEEDS_INFO else None,
        "appeal_form": AppealForm() if _may_appeal(report, today) and is_author else None,
        "photo_form": PhotoForm() if _takes_photos(request.user, report, today) else None,
        "question": report.messages.filter(kind=MessageKind.QUESTION).last(),
        "may_withdraw": is_author and report.state in WITHDRAWABLE,
        **forms,
    }


def _may_appeal(report: Report, today: datetime.date) -> bool:
    deadline = deadline_of(report)
    return report.state in REJECTED and deadline is not None and today <= deadline.day


def _takes_photos(person: Person, report: Report, today: datetime.date) -> bool:
    return report.state in TAKES_FILES and may_attach(person, report, today)


def _position(place: GEOSGeometry | None) -> dict[str, float] | None:
    if place is None:
        return None
    middle = place.point_on_surface
    return {"lon": round(middle.x, 6), "lat": round(middle.y, 6)}


def _map_year(person: Person, report: Report, today: datetime.date) -> int | None:
    """The year whose map the person may open at the place."""
    years = vintages_visible_to(person, on=today).filter(year=report.round.year).values_list("year", flat=True)
    return years.first()


def _vintage_seen(person: Person, report: Report, today: datetime.date) -> Vintage | None:
    """The map of the report's year as it stands, where the person may see one."""
    return vintages_visible_to(person, on=today).filter(year=report.round.year).first()


def places_map(reports: Sequence[Report], *, vintage: Vintage | None = None) -> dict[str, Any] | None:
    """What the small map needs; nothing where no report has a place yet."""
    placed = [(report, report.geometry) for report in reports if report.geometry is not None]
    if not placed:
        return None
    boxes = [place.extent for _report, place in placed]
    west, south = min(box[0] for box in boxes), min(box[1] for box in boxes)
    east, north = max(box[2] for box in boxes), max(box[3] for box in boxes)
    margin = max(0.0, LEAST_BOX_DEGREES - (east - west)) / 2
    return {
        "bounds": [[south - margin, west - margin], [north + margin, east + margin]],
        "outlines": address_of_tiles("habitats:outline-tile"),
        "tiles": address_of_tiles("habitats:tile", vintage.pk) if vintage else None,
        "colors": {entry.habitat_type.code: entry.color for entry in mappable_legend()} if vintage else {},
        "attribution": vintage.region.attribution if vintage else "",
        "places": [_place_line(report, place) for report, place in placed],
        "words": {"zoom_in": _("Zoom in"), "zoom_out": _("Zoom out")},
    }


def _place_line(report: Report, place: GEOSGeometry) -> dict[str, Any]:
    return {
        "name": _("Report %(report)s: %(state)s") % {"report": report, "state": report.get_state_display()},
        "url": reverse("feedback:report", args=[report.pk]),
        "kind": tag_of_report(report.state),
        "outline": json.loads(place.geojson),
    }
