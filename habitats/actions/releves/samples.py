"""The reference sample of a relevé: made when it may teach, retired when it may not, never deleted."""

import datetime

import structlog

from habitats.actions.samples import retire_sample
from habitats.models import Releve, Sample
from habitats.queries import dominant_determination, region_or_error, sample_set_at, training_obstacles
from habitats.states import DatePrecision, SampleOrigin, TrainingObstacle

logger = structlog.get_logger(__name__)


def follow_with_sample(releve: Releve, *, at: datetime.datetime) -> Sample | None:
    """Make, update, retire or bring back the sample of a relevé, as what is known of it now asks.

    Args:
        releve: locked by the caller, in the caller's transaction.
        at: the moment.

    Returns:
        Its sample, in service or retired; None where it never had one.
    """
    region = region_or_error()
    if obstacles := training_obstacles(releve, region=region):
        return _retired(releve, at, obstacles[0])
    dominant = dominant_determination(list(releve.determinations.all()))
    if dominant is None or dominant.resolved_type_id is None or releve.observed_on is None:
        raise AssertionError("a relevé without obstacle has a date and a habitat")
    year = releve.observed_on.year
    facts = {
        "year": year,
        "habitat_type_id": dominant.resolved_type_id,
        "geometry": releve.geometry,
        "observed_on": releve.observed_on if releve.date_precision == DatePrecision.DAY else None,
        "observers": releve.observers[:300],
        "origin": SampleOrigin.RELEVE,
        "sample_set": sample_set_at(region=region, year=year, geometry=releve.geometry),
        "retired_at": None,
    }
    sample, created = Sample.objects.update_or_create(key=sample_key(releve), defaults=facts)
    releve.sample = sample
    releve.save(update_fields=["sample"])
    logger.info("releve teaches", releve=releve.pk, sample=sample.pk, made=created, sample_set=sample.sample_set)
    return sample


def sample_key(releve: Releve) -> str:
    """The key of the one sample of a relevé."""
    return f"releve:{releve.uuid}"


def _retired(releve: Releve, at: datetime.datetime, obstacle: TrainingObstacle) -> Sample | None:
    sample = releve.sample
    if sample is not None and sample.retired_at is None:
        retire_sample(sample=sample, at=at, reason=f"releve: {obstacle.value}")
        sample.retired_at = at
    return sample
