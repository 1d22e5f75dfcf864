"""Filters of the lists of species; those of observations ask the shown place, never the exact one."""

from typing import cast

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from bioccia.api.filters import WholeNumberFilter
from bioccia.api.geography import BboxFilter
from species.models import Observation, Taxon
from species.models.observations import ObservationQuerySet
from species.models.taxa import TaxonQuerySet
from territories.api.filters import TerritoryFilter
from territories.models import Territory


class ShownPlaceFilter(TerritoryFilter):
    """What may be said to lie in a territory."""

    def filter(self, queryset: QuerySet, value: Territory | None) -> QuerySet:
        """By the shown place."""
        return queryset if value is None else cast("ObservationQuerySet", queryset).placed_in(value)


class TaxonFilterSet(django_filters.FilterSet):
    """Filters of `/taxa/`."""

    search = django_filters.CharFilter(method="search_names", label=_("part of a name, without accents"))
    source = django_filters.CharFilter(label=_("reference list; cited: known by observations only"))
    cd_nom = WholeNumberFilter(label=_("TAXREF number"))
    family = django_filters.CharFilter(lookup_expr="iexact", label=_("family"))
    rank = django_filters.CharFilter(label=_("rank, e.g. species"))

    class Meta:
        model = Taxon
        fields: list[str] = []

    def search_names(self, queryset: TaxonQuerySet, _name: str, text: str) -> TaxonQuerySet:
        """As the page does."""
        return queryset.named_like(text)


class ObservationFilterSet(django_filters.FilterSet):
    """Filters of `/observations/`."""

    taxon = WholeNumberFilter(method="of_taxon", label=_("id of a taxon; its synonyms count too"))
    dataset = django_filters.CharFilter("dataset__name", label=_("name of a dataset"))
    since = django_filters.DateFilter("observed_to", "gte", label=_("observed on this day or later"))
    until = django_filters.DateFilter("observed_from", "lte", label=_("observed on this day or before"))
    territory = ShownPlaceFilter(label=_("kind:code or code: what may be said to lie in the territory"))
    bbox = BboxFilter("shown_geometry")

    class Meta:
        model = Observation
        fields: list[str] = []

    def of_taxon(self, queryset: QuerySet[Observation], _name: str, value: int) -> QuerySet[Observation]:
        """The name and those it replaces."""
        return queryset.filter(Q(taxon=value) | Q(taxon__accepted=value))
