"""Every write about the catalogue of predictors."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from ml.models import PredictorLayer
from ml.models.predictors import PUBLISHED_MAP


@transaction.atomic
def register_predictors(*, year: int, bands: Iterable[Mapping[str, Any]]) -> int:
    """Replace the catalogue of a year; the layers of its release stay.

    Args:
        year: the year of the stack.
        bands: one mapping per band, with the fields of PredictorLayer.
    """
    PredictorLayer.objects.of_stack(year).delete()
    return len(PredictorLayer.objects.bulk_create([PredictorLayer(year=year, **band) for band in bands]))


@transaction.atomic
def register_published_map(*, year: int, layers: Mapping[str, str]) -> int:
    """Put the layers of the release of a year in the catalogue, in place of those of the release before it.

    Args:
        year: the year of the map.
        layers: the file of each layer, by its name; empty when no release stands any more.
    """
    PredictorLayer.objects.published_maps(year).delete()
    rows = [
        PredictorLayer(year=year, file=file, band=1, name=name, kind=PUBLISHED_MAP) for name, file in layers.items()
    ]
    return len(PredictorLayer.objects.bulk_create(rows))
