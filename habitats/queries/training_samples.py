"""Which samples a training may see: those of its year, and what reports said of earlier years where it still holds."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from habitats.models import BoundCorrection, Correction, Sample
from habitats.queries.corrections import later_corrections, newer_samples
from habitats.queries.maps import legend
from habitats.states import BindingOutcome, SampleOrigin, SampleSet, VintageState
from ml.compute.region import LegendRow

# A correction whose ground was decided again for more than this share says nothing of the ground any more.
MOST_OF_A_PLACE = 0.5


@dataclass(frozen=True)
class TrainingSample:
    """A sample, and what it weighs in a training."""

    sample: Sample
    weight: float
    is_carried: bool = False


def training_samples(year: int) -> list[TrainingSample]:
    """The samples that a training of a year may see, in the order of their keys; the audit sample stays sealed.

    A report's sample in a block kept for choosing models neither trains nor scores: reports lean to visible errors.
    One of an earlier year is carried while its correction holds, and weighs less for each year that has passed: it was
    dated within the year of its images, and the correction that still binds says that the label still holds.
    """
    of_year = Sample.objects.of_year(year).in_service().not_sealed()
    own = of_year.exclude(origin=SampleOrigin.REPORT, sample_set=SampleSet.SELECTION)
    found = [TrainingSample(sample, sample.weight) for sample in own.select_related("habitat_type")]
    found += [
        TrainingSample(sample, sample.weight * settings.CARRIED_SAMPLE_DECAY ** (year - sample.year), is_carried=True)
        for sample in _carried(year)
        if still_holds(sample.correction, until_year=year)
    ]
    return sorted(found, key=lambda one: one.sample.key)


def _carried(year: int) -> QuerySet[Sample]:
    """Samples of earlier years that came from reports whose correction no shown map has dropped."""
    dropped = BoundCorrection.objects.filter(
        correction=OuterRef("correction"),
        outcome=BindingOutcome.DROPPED,
        vintage__year__lt=year,
        vintage__state__in=[VintageState.WORKING, VintageState.PUBLISHED],
    )
    standing = Q(correction__in=Correction.objects.applied()) & ~Exists(dropped)
    return (
        Sample.objects.in_service()
        .filter(standing, origin=SampleOrigin.REPORT, sample_set=SampleSet.TRAINING, year__lt=year)
        .select_related("habitat_type", "correction")
    )


def still_holds(correction: Correction, *, until_year: int) -> bool:
    """Whether neither a newer sample nor a later correction says another habitat on the ground of a correction."""
    if newer_samples(correction, correction.geometry, until_year=until_year).exists():
        return False
    others = later_corrections(correction, Correction.objects.applied()).exclude(to_type=correction.to_type_id)
    whole = correction.geometry.area
    return all(other.geometry.intersection(correction.geometry).area <= MOST_OF_A_PLACE * whole for other in others)


def legend_rows() -> tuple[LegendRow, ...]:
    """The legend as the engine reads it: order, names and colours of the classes."""
    return tuple(
        LegendRow(
            code=entry.habitat_type.code,
            label_fr=entry.habitat_type.label_fr,
            label_en=entry.habitat_type.label_en,
            color=entry.color,
            parent_code=entry.habitat_type.parent.code if entry.habitat_type.parent else "",
            stake=entry.stake,
            position=entry.position,
        )
        for entry in legend()
    )
