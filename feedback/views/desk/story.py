"""The story of a report in words: each move and each message, as the desk reads it."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from feedback.models import Report
from feedback.queries.effects import timeline_of
from feedback.states import MessageKind, ReportState

WORDS_OF_MOVE: dict[str, Any] = {
    "submit": _("sent"),
    "take": _("taken"),
    "take_over": _("taken over"),
    "let_go": _("let go"),
    "ask": _("question asked"),
    "send_to_field": _("sent to the field"),
    "propose": _("decision proposed"),
    "sign": _("signed"),
    "merge": _("joined to another report"),
    "withdraw": _("withdrawn"),
    "expire": _("expired"),
    "appeal": _("appealed"),
    "revert": _("taken back"),
    "integrate": _("carried by a release"),
    "relink": _("polygons found again"),
}


def story_of(report: Report) -> list[dict[str, Any]]:
    """Every line, oldest first: `at`, `words`, `by`, `text`."""
    return [
        {"at": entry.at, "words": _words(entry.kind, entry.to_state), "by": entry.by, "text": entry.text}
        for entry in timeline_of(report, for_desk=True)
    ]


def _words(kind: str, to_state: str) -> Any:
    if kind == "sign":
        return _("sent back to review") if to_state == ReportState.IN_REVIEW else ReportState(to_state).label
    if kind == "propose" and to_state == ReportState.IN_REVIEW:
        return _("proposal not kept")
    if kind in MessageKind.values:
        return MessageKind(kind).label
    return WORDS_OF_MOVE.get(kind, kind)
