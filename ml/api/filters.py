"""Filters of the lists of runs and of model versions."""

import django_filters
from django.utils.translation import gettext_lazy as _

from bioccia.api.filters import WholeNumberFilter
from ml.models import ModelVersion, Run
from ml.states import Mode, RunKind, RunState, VersionState


class RunFilterSet(django_filters.FilterSet):
    """Filters of `/runs/`."""

    year = WholeNumberFilter(label=_("year that is mapped"))
    state = django_filters.ChoiceFilter(choices=RunState.choices, label=_("where it stands"))
    kind = django_filters.ChoiceFilter(choices=RunKind.choices, label=_("what it does"))

    class Meta:
        model = Run
        fields: list[str] = []


class ModelVersionFilterSet(django_filters.FilterSet):
    """Filters of `/model-versions/`."""

    year = WholeNumberFilter(label=_("year of its samples and predictors"))
    state = django_filters.ChoiceFilter(choices=VersionState.choices, label=_("where it stands"))
    mode = django_filters.ChoiceFilter(choices=Mode.choices, label=_("how much computing it may spend"))

    class Meta:
        model = ModelVersion
        fields: list[str] = []
