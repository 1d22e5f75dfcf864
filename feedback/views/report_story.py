"""The story of a report in words that its author understands: what happened, and who, by role."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from feedback.models import Report
from feedback.queries import TimelineEntry, timeline_of
from feedback.states import MessageKind, ReportState

_MOVES: dict[str, Any] = {
    "submit": _("Report sent"),
    "take": _("Somebody looks at the report"),
    "send_to_field": _("Waits for a visit of the place, in the next field campaign"),
    "merge": _("Joined to another report on the same place"),
    "withdraw": _("Report withdrawn"),
    "expire": _("Expired: the question had no answer in time"),
    "appeal": _("Appeal sent to the panel"),
    "revert": _("The correction was undone"),
    "integrate": _("The correction is published in a release"),
    "relink": _("The map was made again; the place was found again on it"),
}
_DECISIONS: dict[str, Any] = {
    ReportState.ACCEPTED: _("Decision: accepted, the map is corrected"),
    ReportState.ALREADY_FIXED: _("Decision: the map had been corrected already"),
    ReportState.REJECTED_SPEC: _("Decision: not kept, the map follows its specification"),
    ReportState.REJECTED_OFF_TOPIC: _("Decision: not kept, this is not about habitats"),
}
_MESSAGES: dict[str, Any] = {
    MessageKind.QUESTION: _("Question to the author"),
    MessageKind.ANSWER: _("Answer of the author"),
    MessageKind.REPLY: _("Reply"),
    MessageKind.EVIDENCE: _("New evidence"),
    MessageKind.REASON: _("Reason"),
}
_BY_AUTHOR = {"submit", "withdraw", "appeal", MessageKind.ANSWER, MessageKind.EVIDENCE}
_BY_ADMINISTRATOR = {"revert", MessageKind.REASON}
_BY_NOBODY = {"expire", "integrate", "relink"}
# The question is in the thread, as a message of the same moment.
_SAID_ELSEWHERE = {"ask"}


@dataclass(frozen=True)
class StoryLine:
    """One line: when, what, who (a role), and what was written."""

    at: datetime.datetime
    title: Any
    who: Any
    text: str = ""
    is_message: bool = False


def story_of(report: Report, *, is_author: bool) -> list[StoryLine]:
    """The story of a report, oldest first.

    Args:
        report: the report.
        is_author: whether its author reads it, who is then called “you”.
    """
    shown = [entry for entry in timeline_of(report) if entry.kind not in _SAID_ELSEWHERE]
    return [_line(entry, report, is_author=is_author) for entry in shown]


def _line(entry: TimelineEntry, report: Report, *, is_author: bool) -> StoryLine:
    return StoryLine(
        at=entry.at,
        title=_title(entry),
        who=_who(entry, report, is_author=is_author),
        text=entry.text,
        is_message=entry.kind in MessageKind.values,
    )


def _title(entry: TimelineEntry) -> Any:
    if entry.kind == "sign":
        return _DECISIONS.get(entry.to_state, _("Decision"))
    return _MOVES.get(entry.kind) or _MESSAGES.get(entry.kind) or entry.kind


def _who(entry: TimelineEntry, report: Report, *, is_author: bool) -> Any:
    if entry.kind in _BY_NOBODY:
        return ""
    if entry.kind in _BY_AUTHOR:
        return _("you") if is_author else str(report.author)
    if entry.kind in _BY_ADMINISTRATOR:
        return _("a release administrator")
    in_appeal = report.appealed_at is not None and entry.at >= report.appealed_at
    return _("the appeal panel") if in_appeal else _("an adjudicator")
