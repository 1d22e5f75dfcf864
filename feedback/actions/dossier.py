"""The dossier of a release: all that two people sign, in figures and codes, with one way to write it."""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.db.models import F, Sum
from django.utils.translation import gettext_lazy as _

from feedback import gate
from feedback.queries import releases as queries
from habitats.models import TerritoryTransition, Vintage
from habitats.queries import bindings_by_outcome, corrections_in_force, dropped_corrections
from habitats.queries.publication import hash_of_polygons
from ml.compute.publishing.manifest import canonical_json
from territories.states import TerritoryKind

HECTARE_M2 = 10_000
TRANSITIONS_KEPT = 20
# Its parts, as a person who must read them again is told.
PARTS = {
    "gate": _("the gate"),
    "map": _("the polygons"),
    "model": _("the model"),
    "audit": _("the audit sample"),
    "thresholds": _("the thresholds"),
    "reports": _("the reports"),
    "corrections": _("the corrections"),
    "transitions": _("what changed since the year before"),
    "licence": _("the licence"),
    "acknowledged_dropped": _("the dropped corrections"),
    "release": _("the number"),
    "region": _("the region"),
}

# What a training report says of costs: two trainings of the same model differ in it.
MEASURED = ("candidates",)


def write_dossier(vintage: Vintage, *, number: int, acknowledged: int) -> dict[str, Any]:
    """Everything a signature vouches for. No moment and no primary key: the same facts have the same hash.

    Args:
        vintage: the map.
        number: of the release in its year.
        acknowledged: dropped corrections that whoever prepares says to have read.
    """
    audit = queries.audit_of(vintage)
    thresholds = queries.thresholds_of(vintage.region, vintage.year)
    return {
        "release": f"{vintage.year}.{number}",
        "region": vintage.region.slug,
        "gate": [line.as_json() for line in gate.checklist(vintage)],
        "map": _map_facts(vintage),
        "model": model_facts(vintage),
        "audit": {
            "sha256": audit.sha256 if audit else "",
            "seed": audit.seed if audit else None,
            "points": audit.size if audit else 0,
            "assessment": audit.assessment if audit else None,
            "corrections_since": queries.corrections_since_opening(vintage),
        },
        "thresholds": thresholds and {"overall_accuracy": thresholds.overall_accuracy, "macro_f1": thresholds.macro_f1},
        "reports": queries.report_counts(vintage.region, vintage.year),
        "corrections": _correction_facts(vintage),
        "transitions": _transition_facts(vintage),
        "licence": gate.licence_verdict(vintage).licence,
        "acknowledged_dropped": acknowledged,
    }


def hash_of_dossier(dossier: Mapping[str, Any]) -> str:
    """What is signed."""
    return hashlib.sha256(canonical_json(dossier).encode()).hexdigest()


def parts_that_differ(signed: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The parts of a dossier that are no longer what they were, in words."""
    return [str(PARTS[name]) for name in PARTS if canonical_json(signed.get(name)) != canonical_json(now.get(name))]


def _map_facts(vintage: Vintage) -> dict[str, Any]:
    return {
        "polygons": vintage.polygons.count(),
        "hectares": _hectares(vintage.area_m2),
        "minimum_unit_cells": vintage.minimum_unit_px,
        "sha256": hash_of_polygons(vintage),
        "classes_sha256": vintage.classes.sha256,
        "confidence_sha256": vintage.confidence.sha256,
        # Absent where none were kept: dossiers signed before they were have the hash they had.
        **({"small_features_sha256": vintage.small_features.sha256} if vintage.small_features else {}),
    }


def model_facts(vintage: Vintage) -> dict[str, Any]:
    """The card of the model without what was measured: durations and energy differ at each training."""
    version = vintage.version
    return {
        "version": version.number,
        "year": version.year,
        "mode": version.mode,
        "seed": version.seed,
        "code_version": version.code_version,
        "training_set_sha256": version.training_set.sha256,
        "samples": version.training_set.sample_count,
        "samples_by": version.training_set.counts,
        "parameters": {name: value for name, value in version.parameters.items() if name not in MEASURED},
        "metrics": {name: version.metrics.get(name) for name in ("macro_f1", "overall_accuracy", "per_class")},
        "macro_f1_of_map": gate.macro_f1_of(vintage),
    }


def _correction_facts(vintage: Vintage) -> dict[str, Any]:
    areas = [ground.correction.area_m2 for ground in corrections_in_force(vintage)]
    return {
        "standing": len(areas),
        "hectares": _hectares(sum(areas)),
        "of_earlier_years": bindings_by_outcome(vintage),
        "dropped": [
            {
                "source": bound.correction.source,
                "habitat": bound.correction.to_type.code,
                "year": bound.correction.vintage.year,
                "reason": bound.reason,
                "hectares": _hectares(bound.area_m2),
            }
            for bound in dropped_corrections(vintage)
        ],
    }


def _transition_facts(vintage: Vintage) -> dict[str, Any]:
    of_region = TerritoryTransition.objects.filter(vintage=vintage, territory__kind=TerritoryKind.REGION)
    changed = of_region.exclude(from_type=F("to_type"))
    total = changed.aggregate(total=Sum("area_m2"))["total"] or 0.0
    largest = changed.select_related("from_type", "to_type").order_by("-area_m2", "from_type__code", "to_type__code")
    return {
        "hectares": _hectares(total),
        "largest": [
            {"from": row.from_type.code, "to": row.to_type.code, "hectares": _hectares(row.area_m2)}
            for row in largest[:TRANSITIONS_KEPT]
        ],
    }


def _hectares(area_m2: float) -> float:
    return round(area_m2 / HECTARE_M2, 4)
