"""What was decided on earlier maps holds on a new one, until there is evidence that the ground has changed."""

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

import shapely
from django.conf import settings
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon

from habitats import actions, queries
from habitats.actions import Evidence
from habitats.models import BoundCorrection, Correction, LegendEntry, Vintage
from habitats.states import BindingOutcome, DropReason
from ml.compute.errors import RasterError
from ml.compute.evidence import YearPair
from ml.compute.exact_projection import area_in_metres
from ml.errors import MissingFileError
from ml.run_session import RunSession
from ml.storage import path_of

# More than this share of a place must have become a third habitat for the images to outweigh a decision.
MOST_OF_A_PLACE = 0.5


def bind_corrections(session: RunSession) -> Mapping[str, Any]:
    """Take each earlier correction over into the map just loaded, or drop it with its evidence.

    One transaction, in the order of the decisions: after a crash at any moment the same rows come out.
    """
    vintages = Vintage.objects.select_related("region", "classes", "confidence", "version")
    vintage = vintages.get(pk=session.outputs["load"]["vintage"])
    scales = _Scales(vintage)
    waiting = list(queries.corrections_to_bind(vintage).select_for_update(of=("self",), no_key=True))
    counts = dict.fromkeys(BindingOutcome.values, 0)
    for done, correction in enumerate(waiting):
        session.progress(done, len(waiting))
        binding = _bind(correction, vintage, scales)
        if binding is not None:
            counts[binding.outcome] += 1
    return {**counts, "polygons": vintage.polygons.count()}


def _bind(correction: Correction, vintage: Vintage, scales: "_Scales") -> BoundCorrection | None:
    """One correction; None where a later one of the same habitat has taken all of its ground."""
    ground, taken_by = _standing_ground(correction, vintage)
    if ground is None:
        if taken_by is None or taken_by.to_type_id == correction.to_type_id:
            return None
        evidence: Evidence | None = Evidence(DropReason.DECISION, {"correction": taken_by.pk})
        ground = correction.geometry
    else:
        evidence = scales.evidence_against(correction, ground)
    if evidence is not None:
        return actions.drop_correction(correction=correction, vintage=vintage, ground=ground, evidence=evidence)
    return actions.bind_correction(correction=correction, vintage=vintage, ground=ground)


def _standing_ground(correction: Correction, vintage: Vintage) -> tuple[MultiPolygon | None, Correction | None]:
    """Where no later correction has decided otherwise (None under the minimum unit), and the last one that did."""
    waiting = queries.corrections_to_bind(vintage)
    ground = shapely.from_wkb(bytes(correction.geometry.wkb))
    last = None
    for later in queries.later_corrections(correction, waiting):
        taken = shapely.from_wkb(bytes(later.geometry.wkb))
        if shapely.area(shapely.intersection(ground, taken)) > 0:
            ground, last = shapely.difference(ground, taken), later
    if last is None:
        return correction.geometry, None
    parts = [part for part in shapely.get_parts(ground) if part.geom_type == "Polygon"]
    least_m2 = vintage.minimum_unit_px * vintage.region.resolution_m**2
    if area_in_metres(shapely.multipolygons(parts), vintage.region.epsg) < least_m2:
        return None, last
    outlines = [GEOSGeometry(memoryview(shapely.to_wkb(part)), srid=4326) for part in parts]
    return MultiPolygon(outlines, srid=4326), last


class _Scales:
    """What may outweigh a decision on a new map: the legend, newer samples, the images of both years."""

    def __init__(self, vintage: Vintage) -> None:
        self.vintage = vintage
        self._pairs: dict[int, YearPair | None] = {}

    @cached_property
    def legend(self) -> set[int]:
        """Primary keys of the habitats that can be drawn."""
        return set(LegendEntry.objects.values_list("habitat_type_id", flat=True))

    def evidence_against(self, correction: Correction, ground: MultiPolygon) -> Evidence | None:
        """Why a correction does not hold on the new map, if so."""
        if correction.to_type_id not in self.legend:
            return Evidence(DropReason.DECISION, {"legend": correction.to_type.code})
        sample = queries.newer_samples(correction, ground, until_year=self.vintage.year).first()
        if sample is not None:
            return Evidence(DropReason.NEWER_SAMPLE, {"sample": sample.key, "habitat": sample.habitat_type.code})
        return self._change_of_images(correction, ground)

    def _change_of_images(self, correction: Correction, ground: MultiPolygon) -> Evidence | None:
        pair = self._pair(correction.vintage)
        if pair is None:
            return None
        metres = ground.transform(self.vintage.region.epsg, clone=True)
        change = pair.change_at(
            shapely.from_wkb(bytes(metres.wkb)),
            said={correction.to_type.code, *_former_codes(correction)},
            least_confidence=settings.CHANGE_CONFIDENCE,
        )
        if change.changed <= MOST_OF_A_PLACE:
            return None
        return Evidence(
            DropReason.IMAGE_CHANGE,
            {"habitat": change.became, "share": round(change.changed, 3), "cells": change.cells},
        )

    def _pair(self, earlier: Vintage) -> YearPair | None:
        """Both years' rasters, opened once; None for one year mapped twice, other grids, or a file that is gone."""
        if earlier.year == self.vintage.year:
            return None
        if earlier.pk not in self._pairs:
            self._pairs[earlier.pk] = None
            with suppress(RasterError, MissingFileError):
                self._pairs[earlier.pk] = YearPair(
                    path_of(earlier.classes), path_of(self.vintage.classes), path_of(self.vintage.confidence)
                )
        return self._pairs[earlier.pk]


def _former_codes(correction: Correction) -> set[str]:
    """What stood on the ground before it was corrected."""
    former = correction.pieces.filter(vintage=correction.vintage, type_before__isnull=False)
    return set(former.values_list("type_before__code", flat=True))
