"""Every write about the catalogue of predictors."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from ml.models import PredictorLayer


@transaction.atomic
def register_predictors(*, year: int, bands: Iterable[Mapping[str, Any]]) -> int:
    """Replace the catalogue of a year.

    Args:
        year: the year of the stack.
        bands: one mapping per band, with the fields of PredictorLayer.
    """
    PredictorLayer.objects.filter(year=year).delete()
    return len(PredictorLayer.objects.bulk_create([PredictorLayer(year=year, **band) for band in bands]))
