"""Take an earlier correction over into a new map, or drop it with its evidence."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pghistory
import shapely
import structlog
from django.contrib.gis.geos import MultiPolygon
from django.db import transaction
from shapely.geometry.base import BaseGeometry

from habitats.actions.corrections.neighbourhood import (
    Guess,
    Neighbourhood,
    as_multipolygon,
    as_shape,
    held_vintage,
    paint_of,
)
from habitats.actions.corrections.redraw import redraw
from habitats.models import BoundCorrection, CorrectedPiece, Correction, Vintage
from habitats.states import BindingOutcome, DropReason, VintageState
from ml.compute.coverage import Repainted
from ml.compute.errors import CoverageError
from ml.compute.exact_projection import area_in_metres

logger = structlog.get_logger(__name__)
# The outline as decided, then with fewer corners, in cells.
SIMPLER_CELLS = (0.0, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Evidence:
    """What ends a correction's hold."""

    reason: DropReason
    facts: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def bind_correction(*, correction: Correction, vintage: Vintage, ground: MultiPolygon) -> BoundCorrection:
    """Give the ground of an earlier correction its habitat on a map being made, by the same rules of coverage.

    Args:
        correction: one that holds.
        vintage: a map being made.
        ground: where it still stands.

    Returns:
        Bound, or agreeing where nothing above the minimum unit differs; dropped where the new map has no data, or where
        no drawing of it leaves a valid coverage: one place must not keep the map of a whole year from being made.

    Raises:
        StateForbidsError: the map is not being made any more.
    """
    neighbourhood = Neighbourhood(held_vintage(vintage, VintageState.BUILDING))
    (drawn,) = neighbourhood.load([ground])
    if not neighbourhood.polygons or not shapely.intersects(neighbourhood.shapes, drawn).any():
        unmapped = Evidence(DropReason.IMAGE_CHANGE, {"unmapped": True})
        return drop_correction(correction=correction, vintage=vintage, ground=ground, evidence=unmapped)
    repainted = _repainted(neighbourhood, drawn, correction)
    if repainted is None:
        undrawable = Evidence(DropReason.UNDRAWABLE, {})
        return drop_correction(correction=correction, vintage=vintage, ground=ground, evidence=undrawable)
    if not repainted.changed_m2:
        return _write(correction, vintage, ground, BindingOutcome.AGREES)
    with pghistory.context(source=correction.source, correction=correction.pk):
        redraw(neighbourhood, repainted, correction, [Guess()])
    degrees = neighbourhood.projection.to_degrees(np.array([repainted.ground], object))[0]
    return _write(correction, vintage, as_multipolygon(degrees), BindingOutcome.BOUND)


def _repainted(neighbourhood: Neighbourhood, drawn: BaseGeometry, correction: Correction) -> Repainted | None:
    """What the ground makes of the new polygons; drawn simpler where its own corners would leave a gap."""
    cell_m = neighbourhood.vintage.region.resolution_m
    for share in SIMPLER_CELLS:
        simpler = shapely.buffer(shapely.simplify(drawn, share * cell_m), 0) if share else drawn
        with suppress(CoverageError):
            return neighbourhood.repaint([paint_of(simpler, correction.to_type_id)], feeds=True)
    return None


def drop_correction(
    *, correction: Correction, vintage: Vintage, ground: MultiPolygon, evidence: Evidence
) -> BoundCorrection:
    """Leave an earlier correction out of a map being made, and keep why: the release gate lists it."""
    logger.info("correction dropped", correction=correction.pk, vintage=vintage.pk, reason=evidence.reason)
    return _write(correction, vintage, ground, BindingOutcome.DROPPED, evidence)


@transaction.atomic
def copy_corrections(*, earlier: Vintage, vintage: Vintage) -> int:
    """Have the corrections of a map hold on its copy, where the polygons have the same numbers and versions.

    Returns:
        How many hold there.
    """
    bindings = {
        binding.correction_id: binding
        for binding in BoundCorrection.objects.filter(vintage=earlier).select_related("correction")
    }
    for correction in Correction.objects.applied().filter(vintage=earlier):
        bindings[correction.pk] = BoundCorrection(
            correction=correction,
            outcome=BindingOutcome.BOUND,
            geometry=correction.geometry,
            area_m2=correction.area_m2,
        )
    copies = [*bindings.values()]
    for binding in copies:
        binding.pk, binding.vintage, binding._state.adding = None, vintage, True
    BoundCorrection.objects.bulk_create(copies)
    pieces = list(CorrectedPiece.objects.filter(vintage=earlier))
    for piece in pieces:
        piece.pk, piece.vintage, piece._state.adding = None, vintage, True
    CorrectedPiece.objects.bulk_create(pieces, batch_size=1000)
    return len(copies)


def _write(
    correction: Correction,
    vintage: Vintage,
    ground: MultiPolygon,
    outcome: BindingOutcome,
    evidence: Evidence | None = None,
) -> BoundCorrection:
    return BoundCorrection.objects.create(
        correction=correction,
        vintage=vintage,
        outcome=outcome,
        reason=evidence.reason if evidence else "",
        evidence=evidence.facts if evidence else {},
        geometry=ground,
        area_m2=area_in_metres(as_shape(ground), vintage.region.epsg),
    )
