"""What the pages of a release say of it: tags, figures, how to cite."""

from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from feedback.models import Release
from feedback.states import GateState, ReleaseState, ReportState
from habitats.models import HabitatType
from habitats.queries import types_of_codes
from habitats.states import DropReason

STATE_TAGS = {
    ReleaseState.PREPARED: "wait",
    ReleaseState.SIGNED: "live",
    ReleaseState.PUBLISHED: "good",
    ReleaseState.SUPERSEDED: "plain",
    ReleaseState.WITHDRAWN: "bad",
    ReleaseState.ABANDONED: "plain",
}
GATE_TAGS = {GateState.HOLDS: "good", GateState.TO_ACKNOWLEDGE: "wait", GateState.BLOCKING: "bad"}
GATE_TITLES = {
    "map_is_working": gettext_lazy("The map"),
    "no_run_is_open": gettext_lazy("Runs"),
    "rounds_are_closed": gettext_lazy("Consultation"),
    "nothing_in_review": gettext_lazy("Reports"),
    "dropped_corrections_are_read": gettext_lazy("Corrections of earlier years"),
    "audit_is_opened": gettext_lazy("Audit sample"),
    "accuracy_is_reached": gettext_lazy("Accuracy"),
    "licences_are_compatible": gettext_lazy("Licences"),
    "coverage_is_valid": gettext_lazy("Polygons"),
}
FILE_WORDS = {
    "habitats.gpkg": gettext_lazy(
        "The polygons, and the hedges, streams and ponds that are too small for one (GeoPackage)"
    ),
    "classes.tif": gettext_lazy("The habitat of each cell (cloud-optimised GeoTIFF)"),
    "confidence.tif": gettext_lazy("The confidence of each cell, 0 to 100 (cloud-optimised GeoTIFF)"),
    "habitats.pmtiles": gettext_lazy("Vector tiles for a web map (PMTiles, zooms 6 to 14)"),
    "changes.gpkg": gettext_lazy("What changed since the release before, and what became of each polygon (GeoPackage)"),
    "model_card.html": gettext_lazy("The card of the model: what it learned from, its scores, its energy"),
    "accuracy.json": gettext_lazy("Accuracy by the audit sample, and what the other files hold (JSON)"),
    "MANIFEST.sha256": gettext_lazy("The hash of every file, to verify them"),
}
FIGURES = ("users_accuracy", "producers_accuracy", "area")


def tag_of_release(release: Release) -> str:
    """The kind of tag of its state."""
    return STATE_TAGS[ReleaseState(release.state)]


def file_lines(release: Release) -> list[dict[str, Any]]:
    """The files of a release in the order in which people look for them."""
    files = {file.name: file for file in release.files.all()}
    return [{"file": files[name], "words": words} for name, words in FILE_WORDS.items() if name in files]


def citation(release: Release) -> str:
    """How to cite a release."""
    moment = release.published_at
    return _("%(region)s, map of natural habitats %(release)s, %(date)s, %(licence)s. Content %(hash)s.") % {
        "region": release.region.name,
        "release": release,
        "date": date_format(localdate(moment), "DATE_FORMAT") if moment else "",
        "licence": release.dossier.get("licence", ""),
        "hash": release.content_sha256[:16],
    }


def gate_answers(release: Release) -> list[tuple[Any, dict[str, Any]]]:
    """What the gate answered when the dossier was prepared, line by line; what was to acknowledge has been."""
    answers = []
    for line in release.dossier["gate"]:
        state = GateState(line["state"])
        label = _("read and acknowledged") if state == GateState.TO_ACKNOWLEDGE else state.label
        answers.append((GATE_TITLES[line["code"]], {"tag": GATE_TAGS[state], "label": label}))
    return answers


def dropped_rows(release: Release) -> list[dict[str, Any]]:
    """The corrections of earlier years that the map no longer follows, as the dossier lists them."""
    return [{**row, "words": DropReason(row["reason"]).label} for row in release.dossier["corrections"]["dropped"]]


def report_rows(release: Release) -> list[dict[str, Any]]:
    """The reports of the year by state, as the dossier counts them."""
    return [{"label": ReportState(state).label, **row} for state, row in sorted(release.dossier["reports"].items())]


def accuracy_rows(assessment: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Figures by class and by heading, as `habitats/_audit_classes.html` shows them."""
    parts = {name: assessment.get(name) or {} for name in ("classes", "parents")}
    types = types_of_codes({code for part in parts.values() for code in part})
    return {name: _rows(part, types) for name, part in parts.items()}


def _rows(figures: Mapping[str, Any], types: Mapping[str, HabitatType]) -> list[dict[str, Any]]:
    return [
        {
            **row,
            **{name: row[name] if isinstance(row.get(name), dict) else None for name in FIGURES},
            "code": code,
            "type": types.get(code),
        }
        for code, row in figures.items()
    ]
