"""Filters of the lists of habitats."""

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from bioccia.api.filters import CodesFilter, WholeNumberFilter
from bioccia.api.geography import BboxFilter, GeometryChoiceFilter
from habitats.models import HabitatType, Polygon, Sample, Vintage
from habitats.models.typologies import HabitatTypeQuerySet
from habitats.states import SampleDesign, SampleOrigin, SampleSet, VintageState
from territories.api.filters import TerritoryFilter


class HabitatTypeFilterSet(django_filters.FilterSet):
    """Filters of `/habitat-types/`."""

    typology = django_filters.CharFilter("typology__code", label=_("code of the typology"))
    code = django_filters.CharFilter(label=_("exact code"))
    parent = django_filters.CharFilter("parent__code", label=_("code of the habitat above"))
    level = WholeNumberFilter(label=_("level in its typology"))
    in_legend = django_filters.BooleanFilter(
        "legend_entry", "isnull", exclude=True, label=_("true: only those of the region's legend")
    )
    search = django_filters.CharFilter(
        method="search_words", label=_("beginning of a code, or part of a French or English name")
    )

    class Meta:
        model = HabitatType
        fields: list[str] = []

    def search_words(self, queryset: HabitatTypeQuerySet, _name: str, text: str) -> QuerySet[HabitatType]:
        """As the pages do."""
        return queryset.matching(text)


class SampleFilterSet(django_filters.FilterSet):
    """Filters of `/samples/`."""

    year = WholeNumberFilter(label=_("year of the ground they describe"))
    habitat = CodesFilter("habitat_type__code")
    origin = django_filters.ChoiceFilter(choices=SampleOrigin.choices, label=_("where it comes from"))
    design = django_filters.ChoiceFilter(choices=SampleDesign.choices, label=_("how the place was chosen"))
    sample_set = django_filters.ChoiceFilter(
        choices=[choice for choice in SampleSet.choices if choice[0] != SampleSet.AUDIT],
        label=_("training or selection; the audit sample is sealed"),
    )
    territory = TerritoryFilter()
    bbox = BboxFilter()
    geometry = GeometryChoiceFilter()

    class Meta:
        model = Sample
        fields: list[str] = []


class VintageFilterSet(django_filters.FilterSet):
    """Filters of `/vintages/`."""

    year = WholeNumberFilter(label=_("year of the map"))
    state = django_filters.ChoiceFilter(
        choices=[(state.value, state.label) for state in (VintageState.WORKING, VintageState.PUBLISHED)],
        label=_("working ones only with a mandate"),
    )
    version = WholeNumberFilter("version__number", label=_("number of the model version"))

    class Meta:
        model = Vintage
        fields: list[str] = []


class PolygonFilterSet(django_filters.FilterSet):
    """Filters of `/polygons/`."""

    vintage = WholeNumberFilter(label=_("id of a vintage"))
    year = WholeNumberFilter("vintage__year", label=_("year of the vintage"))
    habitat = CodesFilter("habitat_type__code")
    min_confidence = WholeNumberFilter("confidence", "gte", label=_("confidence from (%)"))
    max_confidence = WholeNumberFilter("confidence", "lte", label=_("confidence to (%)"))
    territory = TerritoryFilter()
    bbox = BboxFilter()
    geometry = GeometryChoiceFilter()

    class Meta:
        model = Polygon
        fields: list[str] = []
