"""The files of a release that a person reads: its accuracy, and the card of its model."""

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation

from feedback.models import Release
from feedback.publication.draft import (
    attribution,
    file_facts,
    folder_of_draft,
    limits,
    release_of,
    smallest_scale,
)
from habitats.models import HabitatType
from habitats.states import SampleOrigin
from ml.compute.files import written_aside
from ml.compute.publishing.manifest import canonical_json
from ml.compute.publishing.verify import ACCURACY, CARD
from ml.models import Run
from ml.run_session import RunSession

LANGUAGES = ("fr", "en")
ORIGIN_WORDS = dict(SampleOrigin.choices)  # lazy: each language of the card says them its own way


def write_accuracy(session: RunSession) -> Mapping[str, Any]:
    """Write accuracy.json: what the audit sample says, what was asked beforehand, and what the other files hold."""
    release = release_of(session)
    path = folder_of_draft(session) / ACCURACY
    with written_aside(path) as aside:
        aside.write_text(canonical_json(_accuracy(session, release)), encoding="utf-8", newline="\n")
    return file_facts(path)


def _accuracy(session: RunSession, release: Release) -> dict[str, Any]:
    polygons, rasters = session.outputs["write_polygons"], session.outputs["write_rasters"]
    changes, dossier = session.outputs["write_changes"], release.dossier
    codes = sorted({*polygons["by_code"], *rasters["cells"]})
    return {
        "release": str(release),
        "region": release.region.slug,
        "year": release.year,
        "licence": dossier["licence"],
        "attribution": attribution(release),
        "limits_of_use": limits(release),
        "smallest_scale": smallest_scale(release),
        "signed_dossier_sha256": release.dossier_sha256,
        "audit": dossier["audit"],
        "thresholds": dossier["thresholds"],
        "selection_blocks": {"macro_f1": dossier["model"]["macro_f1_of_map"]},
        "map": {
            "polygons": polygons["polygons"],
            "corrected": polygons["corrected"],
            "small_features": polygons.get("small_features", 0),
            "area_m2": polygons["area_m2"],
            "cell_area_m2": rasters["cell_area_m2"],
            "tiles": session.outputs["write_tiles"]["tiles"],
            "changes": changes["changes"],
            "classes": {
                code: {"polygons_m2": polygons["by_code"].get(code, 0.0), "cells": rasters["cells"].get(code, 0)}
                for code in codes
            },
        },
        "changes": {name: changes.get(name) for name in ("since", "area_m2", "by_cause", "lineage")},
    }


def _is_plain(value: Any) -> bool:
    """Whether a person reads it at a glance; lists and tables stand folded, as programs write them."""
    return isinstance(value, str | int | float)


def write_card(session: RunSession) -> Mapping[str, Any]:
    """Write model_card.html: one page that needs no other file, in French then in English."""
    release = release_of(session)
    context = _card(session, release)
    parts = []
    for language in LANGUAGES:
        with translation.override(language):
            parts.append(render_to_string("feedback/card/_language.html", {**context, "language": language}))
    path = folder_of_draft(session) / CARD
    with written_aside(path) as aside:
        page = render_to_string("feedback/card/page.html", {**context, "parts": parts})
        aside.write_text(page, encoding="utf-8", newline="\n")
    return file_facts(path)


def _card(session: RunSession, release: Release) -> dict[str, Any]:
    """What the card shows; energy is measured, so that this file alone differs from one publication to another."""
    version = release.vintage.version
    runs = Run.objects.filter(pk__in=[session.run.pk, release.vintage.run_id or session.run.pk])
    scores = version.metrics.get("per_class") or {}
    origins = version.training_set.counts.get("by_origin") or {}
    legend = HabitatType.objects.filter(legend_entry__isnull=False, code__in=list(scores))
    named = {habitat.code: habitat for habitat in legend}
    return {
        "release": release,
        "dossier": release.dossier,
        "model": release.dossier["model"],
        "assessment": release.dossier["audit"]["assessment"] or {},
        "version": version,
        "scores": [{"code": code, "habitat": named.get(code), **score} for code, score in sorted(scores.items())],
        "origins": [(ORIGIN_WORDS.get(name, name), count) for name, count in sorted(origins.items())],
        "from_reports": version.training_set.counts.get("from_reports") or {},
        "parameters": [(name, value) for name, value in sorted(version.parameters.items()) if _is_plain(value)],
        "all_parameters": canonical_json(version.parameters),
        "mapping_energy_wh": sum(run.energy_wh for run in runs),
        "limits": limits(release),
        "scale": smallest_scale(release),
        "attribution": attribution(release),
    }
