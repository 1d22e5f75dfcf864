"""Drafts: kept as they are, whatever they still lack, also when their round closes."""

import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError, NotAllowedError, StateForbidsError
from feedback.actions.checks import Ground, area_of, flattened, union_of
from feedback.actions.facts import ReportFacts
from feedback.actions.log import locked_reports
from feedback.errors import RoundForbidsError, UuidTakenError, written
from feedback.models import Report, ReportPolygon, Round
from feedback.permissions import may_begin
from feedback.queries.ground import with_stakes
from feedback.states import ErrorType, EvidenceType, ReportState, RoundState
from habitats.models import Polygon, Vintage
from territories.models import User


@transaction.atomic
def save_draft(*, facts: ReportFacts, by: User, at: datetime.datetime) -> Report:
    """Keep what the author has so far; the same `client_uuid` writes over the same draft.

    Raises:
        NotAllowedError: no mandate lets the person contest.
        UuidTakenError: the identifier is somebody else's.
        StateForbidsError: the report was sent already, or the round does not begin reports any more.
        InvalidFieldsError: something cannot be kept: a comment too long, an outline that is none.
    """
    report = begun_report(facts=facts, by=by, at=at)
    if report.state != ReportState.DRAFT:
        raise StateForbidsError(
            _("Report %(report)s is %(state)s: it is no draft any more.")
            % {"report": report, "state": report.get_state_display()}
        )
    require_same_round(report, facts)
    _require_keepable(facts)
    polygons = list(with_stakes(_of_its_map(report).filter(pk__in=dict(facts.polygons))))
    for name, value in {**words_of(facts), **_place_of(facts, polygons)}.items():
        setattr(report, name, value)
    report.updated_at = at
    report.save()
    store_polygons(report, polygons, versions=dict(facts.polygons))
    return report


def _of_its_map(report: Report) -> QuerySet[Polygon]:
    """Polygons of the map that the round is about, published or not: others may not be the author's to see."""
    shown = Vintage.objects.shown().filter(region=report.round.region_id, year=report.round.year)
    return Polygon.objects.filter(vintage__in=shown.values("pk"))


def begun_report(*, facts: ReportFacts, by: User, at: datetime.datetime) -> Report:
    """The author's report of this identifier, its row locked; begun now where there is none.

    Raises:
        NotAllowedError: no mandate lets the person contest.
        UuidTakenError: the identifier is somebody else's.
        RoundForbidsError: the round does not begin reports any more.
    """
    known = _known(facts, by)
    if known is not None:
        return known
    if not may_begin(by, timezone.localdate(at)):
        raise NotAllowedError(_("No mandate of yours lets you contest the map. Ask the Region for one."))
    require_open(Round.objects.get(pk=facts.round.pk), at)
    try:
        with transaction.atomic():
            return Report.objects.create(
                client_uuid=facts.client_uuid, round=facts.round, author=by, created_at=at, updated_at=at
            )
    except IntegrityError:
        # Two requests at once: the second waited there for the first, and finds its row now.
        known = _known(facts, by)
        if known is None:
            raise
        return known


def require_same_round(report: Report, facts: ReportFacts) -> None:
    """Raise StateForbidsError where a draft would change its round."""
    if facts.round.pk != report.round_id:
        raise StateForbidsError(_("A draft stays in its round: begin another one."))


def _known(facts: ReportFacts, by: User) -> Report | None:
    report = locked_reports().filter(client_uuid=facts.client_uuid).first()
    if report is not None and report.author_id != by.pk:
        raise UuidTakenError
    return report


def require_open(round_: Round, at: datetime.datetime) -> None:
    """Raise RoundForbidsError unless a report may be begun in the round."""
    if round_.state == RoundState.OPEN and round_.opens_at <= at < round_.closes_at:
        return
    if round_.state == RoundState.PLANNED or at < round_.opens_at:
        raise RoundForbidsError(
            _("The round %(round)s is not open yet: it opens on %(moment)s.")
            % {"round": round_.name, "moment": written(round_.opens_at)}
        )
    raise RoundForbidsError(
        _("The round %(round)s closed on %(moment)s; only drafts begun before may still be sent, for a while.")
        % {"round": round_.name, "moment": written(round_.closes_at)}
    )


def _require_keepable(facts: ReportFacts) -> None:
    """What the columns could not hold; the rest is asked when the report is sent."""
    if len(facts.comment) > settings.REPORT_MAX_COMMENT:
        sentence = _("At most %(most)s characters.") % {"most": settings.REPORT_MAX_COMMENT}
        raise InvalidFieldsError(sentence, fields={"comment": sentence})
    too_many = len(facts.polygons) > settings.REPORT_MAX_POLYGONS
    if too_many or (facts.outline and facts.outline.num_coords > settings.REPORT_MAX_VERTICES):
        sentence = _("Too many polygons or vertices to keep: send several reports.")
        raise InvalidFieldsError(sentence, fields={"geometry": sentence})


def words_of(facts: ReportFacts) -> dict[str, Any]:
    """The fields of a report that are kept as they were said; a word that is none of ours is left out."""
    return {
        "body_sha256": facts.sha256(),
        "error_type": facts.error_type if facts.error_type in ErrorType.values else "",
        "proposed_type": facts.proposed_type,
        "comment": facts.comment,
        "observed_on": facts.observed_on,
        "evidence_type": facts.evidence_type if facts.evidence_type in EvidenceType.values else "",
        "confidence": facts.confidence if facts.confidence in (1, 2, 3) else None,
        "declares_interest": facts.declares_interest,
        "simulated_seed": facts.simulated_seed,
    }


def _place_of(facts: ReportFacts, polygons: list[Polygon]) -> dict[str, Any]:
    if facts.outline is not None:
        outline = flattened(facts.outline)
        return {"geometry": outline, "is_drawn": True, "area_m2": area_of(outline, facts.round)}
    geometry = union_of([polygon.geometry for polygon in polygons]) if polygons else None
    return {"geometry": geometry, "is_drawn": False, "area_m2": sum(polygon.area_m2 for polygon in polygons)}


def place_on(ground: Ground, facts: ReportFacts) -> dict[str, Any]:
    """The fields of a report that say where it is, once looked up on the map."""
    return {
        "vintage": ground.vintage,
        "geometry": ground.geometry,
        "is_drawn": facts.outline is not None,
        "area_m2": ground.area_m2,
    }


def store_polygons(report: Report, polygons: list[Polygon], *, versions: dict[int, int]) -> None:
    """Write the polygons of a report anew, with the version and the habitat that its author saw."""
    report.polygons.all().delete()
    lines = [
        ReportPolygon(
            report=report,
            polygon=polygon,
            number=polygon.number,
            version_seen=versions.get(polygon.pk, polygon.version),
            type_seen=polygon.habitat_type,
            area_m2=polygon.area_m2,
        )
        for polygon in {polygon.number: polygon for polygon in polygons}.values()
    ]
    ReportPolygon.objects.bulk_create(lines)
