"""Every write about reference samples."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from habitats.models import Sample
from habitats.states import SampleSet


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
