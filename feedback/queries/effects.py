"""What a report changed, and what happened to it."""

import datetime
from dataclasses import dataclass, field

from feedback.models import Decision, Release, Report, ReportMove
from feedback.states import MoveReason, ReasonCode, ReportState
from habitats.models import CorrectedPiece, Correction, HabitatType
from habitats.states import CorrectionState
from territories.models import User

SQUARE_METRES_PER_HECTARE = 10_000
# Of a report's story, what its author does not read: who looked at it when, and what the desk said to itself.
INTERNAL_MOVES = ("let_go", "take_over", "propose")


@dataclass(frozen=True)
class ChangedArea:
    """An area that went from one habitat to another (ha)."""

    from_type: HabitatType | None
    to_type: HabitatType
    hectares: float


@dataclass(frozen=True)
class ReportEffect:
    """What a report changed on the map; that of its master, where it was joined to one.

    Attributes:
        hectares: the ground whose habitat changed.
        changes: by habitat that lost ground, largest first.
        correction: the correction, or the earlier one that had already fixed the place.
        was_reverted: whether it was undone since.
        taught: whether a reference sample came of it.
        release: the release that carries it.
    """

    hectares: float = 0.0
    changes: list[ChangedArea] = field(default_factory=list)
    correction: Correction | None = None
    was_reverted: bool = False
    taught: bool = False
    release: Release | None = None


def standing_decision(report: Report) -> Decision | None:
    """The last signed decision of a report."""
    signed = report.decisions.exclude(signed_at=None).order_by("signed_at", "pk")
    return signed.select_related("correction", "to_type", "sample", "proposed_by", "signed_by").last()


def waiting_decision(report: Report) -> Decision | None:
    """The decision that waits for a signature."""
    waiting = report.decisions.filter(signed_at=None, sent_back_at=None)
    return waiting.select_related("to_type", "proposed_by", "correction").first()


def effect_of(report: Report) -> ReportEffect:
    """What the report changed; nothing where it was not accepted."""
    source = report.master if report.state == ReportState.MERGED and report.master else report
    decision = standing_decision(source)
    if decision is None or decision.correction is None:
        return ReportEffect()
    correction = decision.correction
    made_here = decision.outcome == ReportState.ACCEPTED
    changes = areas_changed(correction) if made_here else []
    return ReportEffect(
        hectares=sum(change.hectares for change in changes),
        changes=changes,
        correction=correction,
        was_reverted=correction.state == CorrectionState.REVERTED,
        taught=decision.sample is not None and decision.sample.retired_at is None,
        release=source.release,
    )


def areas_changed(correction: Correction) -> list[ChangedArea]:
    """The ground that a correction took from each habitat for its own."""
    lost: dict[int, float] = {}
    pieces = CorrectedPiece.objects.filter(correction=correction, vintage=correction.vintage_id)
    rows = pieces.values_list("type_before", "type_after", "area_before_m2", "area_after_m2")
    for before, after, area_before, area_after in rows:
        if before is not None and before != correction.to_type_id:
            kept = area_after if after == before else 0.0
            lost[before] = lost.get(before, 0.0) + area_before - kept
    types = HabitatType.objects.in_bulk(list(lost))
    changes = [
        ChangedArea(types[pk], correction.to_type, area / SQUARE_METRES_PER_HECTARE)
        for pk, area in lost.items()
        if area > 0
    ]
    return sorted(changes, key=lambda change: -change.hectares)


@dataclass(frozen=True)
class TimelineEntry:
    """One line of a report's story: a move, or a message of its thread."""

    at: datetime.datetime
    kind: str
    by: User | None
    text: str
    to_state: str = ""
    is_internal: bool = False


def timeline_of(report: Report, *, for_desk: bool = False) -> list[TimelineEntry]:
    """The story of a report, oldest first.

    Args:
        report: the report.
        for_desk: also what its author does not read: who looked at it, what was proposed and sent back.
    """
    moves = [_of_move(move, for_desk=for_desk) for move in report.moves.select_related("by", "report")]
    said = [
        TimelineEntry(
            message.written_at, str(message.kind), shown_person(message.author, report, for_desk=for_desk), message.text
        )
        for message in report.messages.select_related("author")
    ]
    entries = [entry for entry in moves if for_desk or not entry.is_internal] + said
    return sorted(entries, key=lambda entry: entry.at)


def _of_move(move: ReportMove, *, for_desk: bool) -> TimelineEntry:
    return TimelineEntry(
        at=move.at,
        kind=move.move,
        by=shown_person(move.by, move.report, for_desk=for_desk),
        text=_reason_of(move) if for_desk or move.move not in ("sign", "merge") else "",
        to_state=move.to_state,
        is_internal=is_internal(move),
    )


def is_internal(move: ReportMove) -> bool:
    """Whether the author does not read of a move."""
    return move.move in INTERNAL_MOVES or (move.move == "sign" and move.to_state == ReportState.IN_REVIEW)


def shown_person(person: User | None, report: Report, *, for_desk: bool) -> User | None:
    """An author reads their own name; the desk answers as one."""
    return person if for_desk or (person and person.pk == report.author_id) else None


def _reason_of(move: ReportMove) -> str:
    for words in (MoveReason, ReasonCode):
        if move.reason in words.values:
            return str(words(move.reason).label)
    return move.reason
