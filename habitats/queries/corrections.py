"""Questions about corrections: what holds on a map, what a new map must take over, what it dropped."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.gis.db.models.functions import PointOnSurface
from django.contrib.gis.geos import MultiPolygon
from django.db.models import Exists, OuterRef, Q, QuerySet

from habitats.models import BoundCorrection, Correction, Sample, Vintage
from habitats.models.corrections import CorrectionQuerySet
from habitats.states import BindingOutcome, VintageState


@dataclass(frozen=True)
class GroundInForce:
    """A correction that holds on a map, and where."""

    correction: Correction
    geometry: MultiPolygon


def corrections_in_force(vintage: Vintage) -> list[GroundInForce]:
    """What was decided on a map or taken over from earlier ones, in the order of the decisions."""
    own = Correction.objects.applied().filter(vintage=vintage).select_related("to_type")
    taken_over = BoundCorrection.objects.filter(
        vintage=vintage, outcome=BindingOutcome.BOUND, correction__in=Correction.objects.applied()
    ).select_related("correction__to_type")
    found = [GroundInForce(correction, correction.geometry) for correction in own]
    found += [GroundInForce(binding.correction, binding.geometry) for binding in taken_over]
    return sorted(found, key=lambda one: (one.correction.decided_at, one.correction.pk))


def corrections_to_bind(vintage: Vintage) -> CorrectionQuerySet:
    """Corrections of the maps before a new one that still hold, in the order of the decisions.

    Not those reverted, nor those that a shown map of an earlier year has dropped for good. A map of the same year that
    this one will replace counts among the maps before it; what that one dropped is weighed again.
    """
    dropped = BoundCorrection.objects.filter(
        correction=OuterRef("pk"),
        outcome=BindingOutcome.DROPPED,
        vintage__year__lt=vintage.year,
        vintage__state__in=[VintageState.WORKING, VintageState.PUBLISHED],
    )
    return (
        Correction.objects.applied()
        .filter(~Exists(dropped), vintage__region=vintage.region_id, vintage__year__lte=vintage.year)
        .exclude(vintage=vintage)
        .in_order()
    )


def later_corrections(correction: Correction, among: CorrectionQuerySet) -> CorrectionQuerySet:
    """Those decided after a correction that meet its ground."""
    after = Q(decided_at__gt=correction.decided_at) | Q(decided_at=correction.decided_at, pk__gt=correction.pk)
    return among.filter(after, geometry__intersects=correction.geometry).exclude(pk=correction.pk).in_order()


def newer_samples(correction: Correction, ground: MultiPolygon, *, until_year: int) -> QuerySet[Sample]:
    """Samples in service on the ground that were observed after the correction and say another habitat.

    The middle of the sample must lie on the ground: one next door that touches it, or reaches over, says nothing. The
    audit sample stays sealed. A sample that a report left counts by its own correction, not here.
    """
    since = correction.observed_on or correction.decided_at.date()
    return (
        Sample.objects.in_service()
        .not_sealed()
        .annotate(middle=PointOnSurface("geometry"))
        .filter(geometry__intersects=ground, middle__intersects=ground)
        .filter(observed_on__gt=since, year__lte=until_year, correction__isnull=True)
        .exclude(habitat_type=correction.to_type_id)
        .exclude(habitat_type__parent=correction.to_type_id)
        .exclude(habitat_type__children=correction.to_type_id)
        .order_by("observed_on", "pk")
    )


def dropped_corrections(vintage: Vintage) -> QuerySet[BoundCorrection]:
    """What a map did not take over from earlier ones, with the evidence: the release gate lists them."""
    return (
        BoundCorrection.objects.filter(vintage=vintage, outcome=BindingOutcome.DROPPED)
        .select_related("correction__to_type", "correction__vintage")
        .order_by("-area_m2", "pk")
    )


def bindings_by_outcome(vintage: Vintage) -> dict[str, int]:
    """How many earlier corrections a map took over, agreed with or dropped."""
    counts = dict.fromkeys(BindingOutcome.values, 0)
    for outcome in BoundCorrection.objects.filter(vintage=vintage).values_list("outcome", flat=True):
        counts[outcome] += 1
    return counts


def is_bound_in(correction: Correction, states: Sequence[VintageState]) -> QuerySet[BoundCorrection]:
    """The maps in these states that took a correction over."""
    return BoundCorrection.objects.filter(
        correction=correction, outcome=BindingOutcome.BOUND, vintage__state__in=states
    ).select_related("vintage")
