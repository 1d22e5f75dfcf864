"""Every write about reference samples."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import pghistory
import structlog
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from bioccia.errors import StateForbidsError
from habitats import queries
from habitats.models import Correction, Sample
from habitats.states import CorrectionState, SampleOrigin, SampleSet

logger = structlog.get_logger(__name__)


@transaction.atomic
def store_samples(*, year: int, source: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write the samples that a source gives for a year; those it gave before and gives no more are removed.

    Args:
        year: the year they describe.
        source: prefix of their keys.
        rows: one mapping per sample, with `key` and the fields of Sample.
    """
    given = [dict(row) for row in rows]
    mine = Sample.objects.filter(year=year, key__startswith=f"{source}:")
    sealed = set(mine.filter(sample_set=SampleSet.AUDIT).values_list("key", flat=True))
    mine.in_service().not_sealed().exclude(key__in=[row["key"] for row in given]).delete()
    samples = [Sample(year=year, **row) for row in given if row["key"] not in sealed]
    # What the source does not say (weight, design, retirement) is a decision of ours, and stays.
    fields = sorted({name for row in given for name in row} - {"key"})
    if samples:
        Sample.objects.bulk_create(
            samples, batch_size=2000, update_conflicts=True, unique_fields=["key"], update_fields=fields
        )
    return len(given)


@transaction.atomic
def store_report_sample(
    *, correction: Correction, weight: float | None = None, is_dated_in_year: bool = False, at: datetime.datetime
) -> Sample:
    """Make a reference sample of the ground of a correction that came from a report.

    Only its interior cells will be learned (ml.compute.samples.learning_cells). It never enters the audit sample; in a
    block kept for choosing models it belongs to that set, and no training sees it.

    Args:
        correction: one that holds.
        weight: in training, beside 1 for a surveyed place; by default the setting REPORT_SAMPLE_WEIGHT.
        is_dated_in_year: whether the evidence (imagery, a document) shows the year of the map, whatever the day when it
            was observed. Else a label observed in another year describes that year.
        at: the moment.

    Raises:
        StateForbidsError: the correction was taken back, or left a sample already.
    """
    held = Correction.objects.select_for_update(no_key=True).get(pk=correction.pk)
    if held.state != CorrectionState.APPLIED or held.reverts_id or held.sample_id:
        raise StateForbidsError(_("This correction was taken back, or has already left a sample."))
    vintage = held.vintage
    year = vintage.year if held.observed_on is None or is_dated_in_year else held.observed_on.year
    sample = Sample.objects.create(
        key=_key_of(held),
        year=year,
        habitat_type_id=held.to_type_id,
        geometry=held.geometry,
        observed_on=held.observed_on,
        origin=SampleOrigin.REPORT,
        sample_set=queries.sample_set_at(region=vintage.region, year=year, geometry=held.geometry),
        weight=settings.REPORT_SAMPLE_WEIGHT if weight is None else weight,
    )
    held.sample = correction.sample = sample
    held.save(update_fields=["sample"])
    logger.info("sample stored", sample=sample.pk, correction=held.pk, set=sample.sample_set, at=at.isoformat())
    return sample


def _key_of(correction: Correction) -> str:
    """What asked for the correction, and which of its corrections it is: the same after any crash.

    Not the primary key, which skips numbers when a transaction is undone: the training set is known by its hash.
    """
    earlier = Correction.objects.filter(source=correction.source, pk__lt=correction.pk).count()
    return f"{correction.source}:{earlier + 1}"


def retire_sample(*, sample: Sample, at: datetime.datetime, reason: str) -> Sample:
    """Take a sample out of service; it is never deleted. Safe twice: the first moment stays."""
    with pghistory.context(reason=reason):
        Sample.objects.in_service().filter(pk=sample.pk).update(retired_at=at)
    sample.refresh_from_db(fields=["retired_at"])
    logger.info("sample retired", sample=sample.pk, reason=reason)
    return sample
