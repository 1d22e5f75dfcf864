"""What an adjudicator proposes, and what it must be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.gis.geos import GEOSGeometry
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError, StateForbidsError
from feedback.actions.checks import area_of, checked_outline
from feedback.models import Report
from feedback.queries.ground import SHARES_GROUND, changes_since, contested_vintage, polygons_under, with_stakes
from feedback.queries.second_signature import second_signature_reasons
from feedback.states import (
    OUTCOMES,
    REASONS_OF_OUTCOME,
    RESULTS_OF_OUTCOME,
    DecisionResult,
    ReasonCode,
    ReportState,
    SecondSignature,
)
from habitats.models import Correction, HabitatType, Polygon, Vintage
from habitats.queries import mappable_legend
from habitats.states import CorrectionState


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What an adjudicator proposes.

    Attributes:
        outcome: one of OUTCOMES.
        result: a DecisionResult that stands with it.
        reason_code: a ReasonCode that stands with it.
        reply: what the author reads.
        to_type: the habitat that the ground takes, where the report is accepted.
        outline: the ground, SRID 4326; None: the whole polygons of `seen`.
        seen: number and version of the polygons as the adjudicator saw them.
        correction: the one that corrected the place before, where it is already fixed.
    """

    outcome: ReportState
    result: DecisionResult
    reason_code: ReasonCode
    reply: str
    to_type: HabitatType | None = None
    outline: GEOSGeometry | None = None
    seen: tuple[tuple[int, int], ...] = ()
    correction: Correction | None = None


def require_consistent(proposal: Proposal) -> None:
    """Raise InvalidFieldsError unless result and reason stand with the outcome."""
    fields: dict[str, Any] = {}
    if proposal.outcome not in OUTCOMES:
        fields["outcome"] = _("Choose one of: %(values)s.") % {"values": ", ".join(OUTCOMES)}
    else:
        outcome = ReportState(proposal.outcome)
        fields |= _not_among("result", proposal.result, RESULTS_OF_OUTCOME[outcome])
        fields |= _not_among("reason_code", proposal.reason_code, REASONS_OF_OUTCOME[outcome])
    if proposal.outcome == ReportState.ACCEPTED and proposal.to_type is None:
        fields["to_type"] = _("Say which habitat the ground takes.")
    if proposal.outcome == ReportState.ALREADY_FIXED and proposal.correction is None:
        fields["correction"] = _("Say which correction it was.")
    _raise_if_any(fields)


def _not_among(name: str, value: str, allowed: Sequence[Any]) -> dict[str, Any]:
    if value in allowed:
        return {}
    labels = ", ".join(str(one.label) for one in allowed)
    return {name: _("With this outcome, choose: %(values)s.") % {"values": labels}}


def _raise_if_any(fields: dict[str, Any]) -> None:
    if fields:
        raise InvalidFieldsError(" ".join(map(str, fields.values())), fields=fields)


def has_changed(report: Report, seen: Sequence[tuple[int, int]], vintage: Vintage | None) -> bool:
    """Whether the map is no longer what an adjudicator saw."""
    if vintage is None or report.vintage_id != vintage.pk:
        return True
    return bool(changes_since([{"number": number, "version_seen": version} for number, version in seen], vintage))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedProposal:
    """A proposal that may be kept.

    Attributes:
        outline: as checked.
        seen: number and version of the polygons, those under the outline that nobody named included.
        second_signature: why one signature is not enough.
    """

    outline: GEOSGeometry | None
    seen: list[list[int]]
    second_signature: list[SecondSignature]


def checked_proposal(report: Report, proposal: Proposal) -> CheckedProposal | None:
    """The proposal against the map as it stands; None where the map changed since the adjudicator looked.

    Raises:
        InvalidFieldsError: the ground decided about is not that of the report, or the habitat is not mapped.
        StateForbidsError: there is no working map to correct.
    """
    vintage = contested_vintage(report.round)
    if vintage is None:
        _require_no_correction(report, proposal)
        vintage = report.vintage  # published since, as before an appeal: what changes no map needs no working one
    if vintage is None or has_changed(report, proposal.seen, vintage):
        return None
    outline = checked_outline(proposal.outline, report.round) if proposal.outline else None
    polygons = _decided_polygons(report, proposal, outline, vintage)
    fields: dict[str, Any] = {}
    if proposal.outcome == ReportState.ACCEPTED:
        fields = _wrong_ground(report, polygons, outline) | _wrong_habitat(proposal, polygons)
    elif proposal.correction is not None and proposal.outcome == ReportState.ALREADY_FIXED:
        fields = _wrong_correction(report, proposal.correction)
    _raise_if_any(fields)
    reasons = second_signature_reasons(
        report,
        present=[polygon.habitat_type for polygon in polygons],
        decided=proposal.to_type if proposal.outcome == ReportState.ACCEPTED else None,
        area_m2=max(_decided_area(report, proposal, outline, polygons), report.area_m2),
    )
    return CheckedProposal(outline=outline, seen=_seen_with(proposal, outline, polygons), second_signature=reasons)


def _require_no_correction(report: Report, proposal: Proposal) -> None:
    """Raise StateForbidsError where a correction has no map to go to."""
    if proposal.outcome == ReportState.ACCEPTED:
        raise StateForbidsError(
            _(
                "There is no working map of %(year)s: a published one is corrected by an erratum, which the Region "
                "opens on the page of its release. Let the report go, and decide it then."
            )
            % {"year": report.round.year}
        )


def _decided_area(report: Report, proposal: Proposal, outline: GEOSGeometry | None, polygons: list[Polygon]) -> float:
    """The ground that changes (m²): nothing more than what is contested, where nothing changes."""
    if proposal.outcome != ReportState.ACCEPTED:
        return report.area_m2
    return area_of(outline, report.round) if outline else sum(polygon.area_m2 for polygon in polygons)


def _seen_with(proposal: Proposal, outline: GEOSGeometry | None, polygons: list[Polygon]) -> list[list[int]]:
    """What was seen; under an outline also what it cuts, so that its signature meets whatever changes there."""
    cut = {polygon.number: polygon.version for polygon in polygons} if outline is not None else {}
    return [list(pair) for pair in {**cut, **dict(proposal.seen)}.items()]


def _decided_polygons(
    report: Report, proposal: Proposal, outline: GEOSGeometry | None, vintage: Vintage
) -> list[Polygon]:
    if outline is not None and proposal.outcome == ReportState.ACCEPTED:
        return list(polygons_under(vintage, outline))
    # A refusal is about the whole report, whatever polygons it names.
    named = proposal.seen if proposal.outcome == ReportState.ACCEPTED else ()
    numbers = [number for number, _version in named] or [line.number for line in report.polygons.all()]
    return list(with_stakes(Polygon.objects.filter(vintage=vintage, number__in=numbers)))


def _wrong_ground(report: Report, polygons: list[Polygon], outline: GEOSGeometry | None) -> dict[str, Any]:
    place = report.geometry
    grounds = [outline] if outline is not None else [polygon.geometry for polygon in polygons]
    if not polygons:
        return {"seen": _("Say which polygons are corrected, or draw an outline on the map.")}
    if place is None or not all(place.relate_pattern(ground, SHARES_GROUND) for ground in grounds):
        field = "seen" if outline is None else "outline"
        return {field: _("A report is decided on its own ground: part of this lies elsewhere.")}
    return {}


def _wrong_habitat(proposal: Proposal, polygons: list[Polygon]) -> dict[str, Any]:
    decided = proposal.to_type
    if decided is None or not mappable_legend().filter(habitat_type=decided).exists():
        return {"to_type": _("Choose a habitat of this map's legend.")}
    if polygons and all(polygon.habitat_type_id == decided.pk for polygon in polygons):
        return {"to_type": _("The map shows %(code)s there already.") % {"code": decided.code}}
    return {}


def _wrong_correction(report: Report, correction: Correction) -> dict[str, Any]:
    place = report.geometry
    stands = correction.state == CorrectionState.APPLIED
    if not stands or place is None or not place.relate_pattern(correction.geometry, SHARES_GROUND):
        return {"correction": _("Choose a correction that stands on the ground of the report.")}
    return {}
