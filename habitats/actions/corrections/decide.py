"""Correct the working map: whole polygons, or a drawn outline."""

from collections.abc import Sequence
from typing import Unpack

import numpy as np
import pghistory
import shapely
import structlog
from django.contrib.gis.geos import GEOSGeometry
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from shapely.geometry.base import BaseGeometry

from bioccia.errors import InvalidFieldsError
from habitats.actions.corrections.neighbourhood import (
    DecisionFacts,
    Guess,
    Neighbourhood,
    Seen,
    as_multipolygon,
    check_seen,
    held_vintage,
    paint_of,
)
from habitats.actions.corrections.redraw import as_piece, redraw, with_after
from habitats.errors import NothingToCorrectError, OutlineError
from habitats.models import CorrectedPiece, Correction, HabitatType, Polygon, Vintage
from habitats.states import VintageState
from ml.compute.errors import CoverageError
from ml.compute.exact_projection import DEGREES

logger = structlog.get_logger(__name__)
MOST_CORNERS = 20_000


@transaction.atomic
def correct_polygons(
    *, vintage: Vintage, polygons: Sequence[Seen], to_type: HabitatType, **decision: Unpack[DecisionFacts]
) -> Correction:
    """Give whole polygons of a working vintage another habitat. The caller has asked for the right.

    Args:
        vintage: a working vintage.
        polygons: (number, version) of each, as they were looked at.
        to_type: a habitat of the legend.
        **decision: `source`, `by`, `at`, `observed_on`, `reason`.

    Raises:
        PolygonChangedError: a polygon is not, or no longer, the one that was looked at.
        NothingToCorrectError: all of them have this habitat already.
        StateForbidsError: the vintage is not a working one.
        InvalidFieldsError: no polygon is named, or the habitat is not in the legend.
    """
    if not polygons:
        sentence = _("Name at least one polygon.")
        raise InvalidFieldsError(sentence, fields={"polygons": sentence})
    _check_legend(to_type)
    held = held_vintage(vintage, VintageState.WORKING)
    check_seen(held, polygons)
    neighbourhood = Neighbourhood(held)
    neighbourhood.lock(Q(number__in=[number for number, _version in polygons]))
    changed = [polygon for polygon in neighbourhood.polygons if polygon.habitat_type_id != to_type.pk]
    if not changed:
        raise NothingToCorrectError(_nothing_to_correct(to_type))
    with _history(decision):
        ground = shapely.union_all(neighbourhood.shapes)
        correction = _record(neighbourhood, ground, to_type, decision)
        CorrectedPiece.objects.bulk_create([_recoded(polygon, correction) for polygon in changed])
    return correction


@transaction.atomic
def correct_outline(
    *,
    vintage: Vintage,
    outline: GEOSGeometry,
    to_type: HabitatType,
    seen: Sequence[Seen] = (),
    feeds: bool = False,
    **decision: Unpack[DecisionFacts],
) -> Correction:
    """Give the ground inside an outline another habitat: it cuts or feeds the polygons of a working vintage.

    Args:
        vintage: a working vintage.
        outline: a polygon or multipolygon in SRID 4326; what lies outside the map counts for nothing.
        to_type: a habitat of the legend.
        seen: (number, version) of the polygons that were looked at.
        feeds: whether the ground joins a neighbour of its habitat; under the minimum unit it always does.
        **decision: `source`, `by`, `at`, `observed_on`, `reason`.

    Raises:
        PolygonChangedError: a polygon is not, or no longer, the one that was looked at.
        NothingToCorrectError: the ground has this habitat already.
        StateForbidsError: the vintage is not a working one.
        OutlineError: it is no valid area, lies outside the map or under the minimum unit.
        InvalidFieldsError: the habitat is not in the legend.
    """
    _check_outline(outline)
    _check_legend(to_type)
    held = held_vintage(vintage, VintageState.WORKING)
    check_seen(held, seen)
    neighbourhood = Neighbourhood(held)
    drawn = neighbourhood.load([outline])
    if not neighbourhood.polygons or not shapely.intersects(neighbourhood.shapes, drawn[0]).any():
        raise _refused(_("The outline lies outside the map; draw it on a mapped place."))
    try:
        repainted = neighbourhood.repaint([paint_of(drawn[0], to_type)], feeds=feeds)
    except CoverageError as error:
        raise _refused(
            _("This outline cannot be drawn into the map without a gap; move it a little, or draw it simpler.")
        ) from error
    if not repainted.changed_m2:
        _explain_nothing(repainted.ground, to_type, neighbourhood.least_m2)
    with _history(decision):
        correction = _record(neighbourhood, repainted.ground, to_type, decision)
        redraw(neighbourhood, repainted, correction, [Guess()])
    return correction


def _check_outline(outline: GEOSGeometry) -> None:
    if outline.geom_type not in ("Polygon", "MultiPolygon") or outline.empty or outline.srid != DEGREES:
        raise _refused(_("Draw an area: a polygon in longitude and latitude (EPSG:4326)."))
    if outline.num_coords > MOST_CORNERS:
        raise _refused(
            _("The outline has %(count)s corners; draw it with %(most)s at most.")
            % {"count": outline.num_coords, "most": MOST_CORNERS}
        )
    if not outline.valid:
        raise _refused(_("The outline crosses itself (%(why)s); draw it again.") % {"why": outline.valid_reason})


def _check_legend(to_type: HabitatType) -> None:
    if not HabitatType.objects.filter(pk=to_type.pk, legend_entry__isnull=False).exists():
        sentence = _("%(habitat)s is not in the legend of this map; choose a habitat of the legend.") % {
            "habitat": to_type
        }
        raise InvalidFieldsError(sentence, fields={"to_type": sentence})


def _explain_nothing(ground: BaseGeometry, to_type: HabitatType, least_m2: float) -> None:
    """Say why an outline changes nothing.

    Raises:
        OutlineError: what it would change is under the minimum unit.
        NothingToCorrectError: the map already says so.
    """
    if not ground.is_empty:
        raise NothingToCorrectError(_nothing_to_correct(to_type))
    raise _refused(
        _("The outline is smaller than the smallest area that this map shows (%(area)d m²); draw a larger one.")
        % {"area": least_m2}
    )


def _nothing_to_correct(to_type: HabitatType) -> str:
    return _("The map already says %(habitat)s here: there is nothing to correct.") % {"habitat": to_type}


def _refused(sentence: str) -> OutlineError:
    return OutlineError(sentence, fields={"outline": sentence})


def _history(decision: DecisionFacts) -> pghistory.context:
    """Who changed the polygons, and for what, beside their former states."""
    by = decision["by"]
    return pghistory.context(by=by and by.pk, source=decision["source"], reason=decision["reason"])


def _record(
    neighbourhood: Neighbourhood, ground: BaseGeometry, to_type: HabitatType, decision: DecisionFacts
) -> Correction:
    degrees = neighbourhood.projection.to_degrees(np.array([ground], object))[0]
    correction = Correction.objects.create(
        vintage=neighbourhood.vintage,
        source=decision["source"],
        geometry=as_multipolygon(degrees),
        area_m2=float(ground.area),
        to_type=to_type,
        observed_on=decision["observed_on"],
        decided_at=decision["at"],
        decided_by=decision["by"],
        reason=decision["reason"],
    )
    logger.info("map corrected", correction=correction.pk, source=correction.source, to=to_type.code)
    return correction


def _recoded(polygon: Polygon, correction: Correction) -> CorrectedPiece:
    piece = as_piece(polygon, correction)
    polygon.habitat_type_id = correction.to_type_id
    polygon.version += 1
    for name, value in vars(Guess()).items():
        setattr(polygon, name, value)
    polygon.save(update_fields=["habitat_type", "version", *vars(Guess())])
    return with_after(piece, polygon)
