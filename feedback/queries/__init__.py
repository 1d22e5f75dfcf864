"""Questions that join several tables of the consultation, by concern."""

from feedback.queries.effects import (
    ChangedArea,
    ReportEffect,
    TimelineEntry,
    areas_changed,
    effect_of,
    standing_decision,
    timeline_of,
    waiting_decision,
)
from feedback.queries.ground import contested_vintage, disagreeing_reports, near_duplicates, polygons_under
from feedback.queries.reports import (
    counts_by_state,
    my_reports,
    places_under,
    queue_of,
    reports_carried_by,
    reports_for_lists,
    reports_visible_to,
    rounds_for,
)
from feedback.queries.second_signature import second_signature_reasons

__all__ = [
    "ChangedArea",
    "ReportEffect",
    "TimelineEntry",
    "areas_changed",
    "contested_vintage",
    "counts_by_state",
    "disagreeing_reports",
    "effect_of",
    "my_reports",
    "near_duplicates",
    "places_under",
    "polygons_under",
    "queue_of",
    "reports_carried_by",
    "reports_for_lists",
    "reports_visible_to",
    "rounds_for",
    "second_signature_reasons",
    "standing_decision",
    "timeline_of",
    "waiting_decision",
]
