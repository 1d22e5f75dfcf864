"""Take a correction back: a compensating one, which never blocks."""

import datetime
from collections.abc import Sequence

import numpy as np
import pghistory
import shapely
import structlog
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon
from django.db import transaction
from django.utils.translation import gettext as _
from shapely.geometry.base import BaseGeometry

from bioccia.errors import StateForbidsError
from habitats import queries
from habitats.actions.corrections.neighbourhood import (
    Guess,
    Neighbourhood,
    as_outline,
    as_shape,
    held_vintage,
    paint_of,
)
from habitats.actions.corrections.redraw import (
    as_piece,
    count_polygons,
    redraw,
    remove_polygons,
    with_after,
)
from habitats.actions.samples import retire_sample
from habitats.models import CorrectedPiece, Correction, Polygon, Vintage
from habitats.states import CORRECTION_MOVES, VintageState
from ml.compute.exact_projection import TILES, to_tiles
from territories.models import User

logger = structlog.get_logger(__name__)
# A map being made may have just taken the correction over.
OPEN_STATES = (VintageState.WORKING, VintageState.BUILDING)


@transaction.atomic
def revert_correction(*, correction: Correction, by: User | None, at: datetime.datetime, reason: str) -> Correction:
    """Take a correction back on every map that is not public; its sample is retired. The caller asked for the right.

    Where nothing else has changed the polygons since, they come back as they were, under new versions. Elsewhere the
    ground that no later correction has taken gets its former habitats back. A published map stays as it was: the
    correction just binds no more.

    Args:
        correction: one that holds.
        by: who decided.
        at: the moment.
        reason: why.

    Returns:
        The compensating correction.

    Raises:
        StateForbidsError: it was reverted before, or is itself the reversal of another.
    """
    held = Correction.objects.select_for_update(no_key=True).get(pk=correction.pk)
    if held.state not in CORRECTION_MOVES["revert"][0] or held.reverts_id is not None:
        raise StateForbidsError(_("This correction has already been taken back."))
    held.state = CORRECTION_MOVES["revert"][1]
    held.save(update_fields=["state"])
    with pghistory.context(by=by and by.pk, source=held.source, reason=reason):
        reversal = _record(held, by, at, reason)
        for vintage, ground in _open_grounds(held):
            _take_back(held, reversal, held_vintage(vintage, *OPEN_STATES), ground)
        if held.sample is not None:
            retire_sample(sample=held.sample, at=at, reason=reason)
    logger.info("correction reverted", correction=held.pk, reversal=reversal.pk, by=by and by.pk)
    return reversal


def _record(held: Correction, by: User | None, at: datetime.datetime, reason: str) -> Correction:
    former = held.pieces.exclude(type_before=held.to_type_id).order_by("-area_before_m2", "number").first()
    return Correction.objects.create(
        vintage_id=held.vintage_id,
        source=held.source,
        geometry=held.geometry,
        area_m2=held.area_m2,
        to_type_id=former.type_before_id if former and former.type_before_id else held.to_type_id,
        observed_on=held.observed_on,
        decided_at=at,
        decided_by=by,
        reason=reason,
        reverts=held,
    )


def _open_grounds(held: Correction) -> list[tuple[Vintage, MultiPolygon]]:
    """The maps still open where the correction holds, in a stable order, and where it holds on each."""
    grounds = [(held.vintage, held.geometry)] if held.vintage.state in OPEN_STATES else []
    grounds += [(binding.vintage, binding.geometry) for binding in queries.is_bound_in(held, OPEN_STATES)]
    return sorted(grounds, key=lambda one: one[0].pk)


def _take_back(held: Correction, reversal: Correction, vintage: Vintage, ground: MultiPolygon) -> None:
    pieces = list(held.pieces.filter(vintage=vintage).select_related("type_before").order_by("number"))
    numbers = [piece.number for piece in pieces]
    standing = {
        polygon.number: polygon
        for polygon in Polygon.objects.filter(vintage=vintage, number__in=numbers)
        .order_by("number")
        .select_for_update(no_key=True)
    }
    if pieces and all(_is_untouched(piece, standing.get(piece.number)) for piece in pieces):
        _bring_back(reversal, vintage, pieces, standing)
    else:
        _repaint_former(held, reversal, vintage, ground)


def _is_untouched(piece: CorrectedPiece, polygon: Polygon | None) -> bool:
    """Whether a polygon is as the correction left it, to the vertex."""
    if polygon is None or piece.version_after is None or piece.geometry_after is None:
        return polygon is None and piece.version_after is None
    same_row = (polygon.version, polygon.habitat_type_id) == (piece.version_after, piece.type_after_id)
    return same_row and polygon.geometry.equals_exact(piece.geometry_after)


def _bring_back(
    reversal: Correction, vintage: Vintage, pieces: Sequence[CorrectedPiece], standing: dict[int, Polygon]
) -> None:
    """The former polygons, exactly; the new ones go first, since both cannot hold the ground."""
    fresh = [standing[piece.number] for piece in pieces if piece.version_before is None]
    written = [as_piece(polygon, reversal) for polygon in fresh]
    remove_polygons(vintage, fresh)
    returned = 0
    for piece in pieces:
        if piece.version_before is None:
            continue
        polygon = standing.get(piece.number)
        if polygon is None:
            polygon = Polygon(vintage=vintage, number=piece.number, version=piece.version_before)
            record = CorrectedPiece(correction=reversal, vintage=vintage, number=piece.number)
            returned += 1
        else:
            record = as_piece(polygon, reversal)
        _restore(polygon, piece)
        written.append(with_after(record, polygon))
    CorrectedPiece.objects.bulk_create(written)
    count_polygons(vintage, returned - len(fresh))


def _restore(polygon: Polygon, piece: CorrectedPiece) -> None:
    """What the polygon was; its version grows, unless only its vertices had changed."""
    if piece.geometry_before is None or piece.type_before is None:  # only new polygons lack them, and they are gone
        raise ValueError(f"corrected polygon {piece.pk} was not there before")
    polygon.version += 0 if piece.version_before == piece.version_after else 1
    polygon.habitat_type = piece.type_before
    polygon.area_m2, polygon.geometry = piece.area_before_m2, piece.geometry_before
    for name, value in piece.guess_before.items():
        setattr(polygon, name, value)
    shape = np.array([as_shape(piece.geometry_before)], object)
    polygon.geometry_3857 = as_outline(to_tiles(shape)[0], TILES)
    polygon.save()


def _repaint_former(held: Correction, reversal: Correction, vintage: Vintage, ground: MultiPolygon) -> None:
    """Former habitats on the part of the ground that no later correction has taken."""
    neighbourhood = Neighbourhood(vintage)
    (standing,) = neighbourhood.load([ground])
    for later in queries.corrections_in_force(vintage):
        if (later.correction.decided_at, later.correction.pk) > (held.decided_at, held.pk):
            standing = shapely.difference(standing, _in_metres(neighbourhood, later.geometry))
    former = held.pieces.filter(vintage=vintage, type_before__isnull=False).exclude(type_before=held.to_type_id)
    if not former:  # a copy of the map where it was decided has the same polygons
        former = held.pieces.filter(type_before__isnull=False).exclude(type_before=held.to_type_id)
    paints, guesses = [], []
    for piece in former.order_by("number"):
        if piece.geometry_before is None or piece.type_before_id is None:
            continue
        part = shapely.intersection(standing, _in_metres(neighbourhood, piece.geometry_before))
        if shapely.area(part) > 0:
            paints.append(paint_of(part, piece.type_before_id))
            guesses.append(Guess(**piece.guess_before))
    if paints and neighbourhood.polygons:
        redraw(neighbourhood, neighbourhood.repaint(paints, feeds=True), reversal, guesses)


def _in_metres(neighbourhood: Neighbourhood, geometry: GEOSGeometry) -> BaseGeometry:
    return neighbourhood.projection.to_metres(np.array([as_shape(geometry)], object))[0]
