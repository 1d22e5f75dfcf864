"""Tables of the consultation and of the release, by concern."""

from feedback.models.cycles import Cycle, CycleEntry
from feedback.models.releases import Release, ReleaseFile, ReleaseSignature, ReleaseThresholds
from feedback.models.reports import (
    Attachment,
    Decision,
    Report,
    ReportMessage,
    ReportMove,
    ReportPolygon,
)
from feedback.models.rounds import Round

__all__ = [
    "Attachment",
    "Cycle",
    "CycleEntry",
    "Decision",
    "Release",
    "ReleaseFile",
    "ReleaseSignature",
    "ReleaseThresholds",
    "Report",
    "ReportMessage",
    "ReportMove",
    "ReportPolygon",
    "Round",
]
