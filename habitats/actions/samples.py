"""Every write about reference samples."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from habitats.models import Sample


@transaction.atomic
def store_samples(*, year: int, source: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write the samples that a source gives for a year; those it gave before and gives no more are removed.

    Args:
        year: the year they describe.
        source: prefix of their keys.
        rows: one mapping per sample, with `key` and the fields of Sample.
    """
    samples = [Sample(year=year, **row) for row in rows]
    kept = {sample.key for sample in samples}
    for stale in Sample.objects.filter(year=year, key__startswith=f"{source}:").only("pk", "key"):
        if stale.key not in kept:
            stale.delete()
    fields = [field.name for field in Sample._meta.concrete_fields if field.name not in {"id", "key"}]
    Sample.objects.bulk_create(
        samples, batch_size=2000, update_conflicts=True, unique_fields=["key"], update_fields=fields
    )
    return len(samples)
