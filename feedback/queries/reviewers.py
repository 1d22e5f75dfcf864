"""What a reviewer asks of their own reports and rounds: when the next one opens, until when they may act."""

import datetime
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from feedback.models import Report, Round
from feedback.queries.reports import places_under
from feedback.states import OPEN_STATES, REJECTED, ReportState, RoundState
from territories.models import User
from territories.permissions import territories_with_right

MOST_ROUNDS = 5
# What a list of one's own reports is narrowed to.
WAITS_FOR_AUTHOR = (ReportState.DRAFT, ReportState.NEEDS_INFO)
WAITS_FOR_DESK = tuple(state for state in OPEN_STATES if state != ReportState.NEEDS_INFO)
GROUPS: dict[str, tuple[ReportState, ...]] = {
    "mine": WAITS_FOR_AUTHOR,
    "waiting": WAITS_FOR_DESK,
    "kept": (ReportState.ACCEPTED, ReportState.ALREADY_FIXED, ReportState.INTEGRATED),
    "not_kept": (*REJECTED, ReportState.MERGED, ReportState.WITHDRAWN, ReportState.EXPIRED, ReportState.REVERTED),
}


@dataclass(frozen=True)
class Deadline:
    """A last day, and whose: `answer` of the desk, `reply` of the author, `appeal`, `send` of a draft."""

    kind: str
    day: datetime.date


def rounds_ahead(person: User, at: datetime.datetime) -> QuerySet[Round]:
    """The rounds of the person's territories that are still to open, the first one first."""
    held = territories_with_right(person, "contest", on=timezone.localdate(at))
    ahead = Round.objects.select_related("territory").filter(state=RoundState.PLANNED).order_by("opens_at")
    if not held:
        return ahead.none()
    places = places_under(held)
    if places is not None:
        above = {pk for place in held for pk in place.ancestor_ids()}
        ahead = ahead.filter(Q(territory__in=places) | Q(territory__in=above))
    return ahead[:MOST_ROUNDS]


def deadline_of(report: Report) -> Deadline | None:
    """The next last day of a report, for its author."""
    state = ReportState(report.state)
    if state == ReportState.DRAFT:
        return Deadline("send", timezone.localdate(report.round.grace_ends_at))
    if state == ReportState.NEEDS_INFO and report.asked_at:
        return Deadline("reply", _after(report.asked_at, settings.QUESTION_DAYS))
    if state in REJECTED and report.appealed_at is None:
        return Deadline("appeal", _after(report.closed_at or report.updated_at, settings.APPEAL_DAYS))
    if state in OPEN_STATES and report.due_on:
        return Deadline("answer", report.due_on)
    return None


def _after(moment: datetime.datetime, days: int) -> datetime.date:
    return timezone.localdate(moment) + datetime.timedelta(days=days)
