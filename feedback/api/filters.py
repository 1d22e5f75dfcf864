"""Filters of the lists of rounds and reports."""

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from bioccia.api.filters import WholeNumberFilter
from bioccia.api.geography import BboxFilter, GeometryChoiceFilter
from feedback.models import Report, Round
from feedback.models.reports import ReportQuerySet
from feedback.states import ReportState, RoundState
from territories.api.filters import InsideTerritoryFilter, TerritoryFilter
from territories.models import Territory


class RoundTerritoryFilter(InsideTerritoryFilter):
    """The rounds of a territory and of those inside it."""

    def filter(self, queryset: QuerySet, value: Territory | None) -> QuerySet:
        """By the tree of territories."""
        if value is None:
            return queryset
        inside = super().filter(Territory.objects.all(), value)
        return queryset.filter(territory__in=inside.values("pk")) | queryset.filter(territory=value)


class RoundFilterSet(django_filters.FilterSet):
    """Filters of `/rounds/`."""

    year = WholeNumberFilter(label=_("year of the map"))
    state = django_filters.ChoiceFilter(choices=RoundState.choices, label=_("where it stands"))
    territory = RoundTerritoryFilter(label=_("kind:code: the rounds of the territory and of those inside it"))

    class Meta:
        model = Round
        fields: list[str] = []


class ReportFilterSet(django_filters.FilterSet):
    """Filters of `/reports/`."""

    round = django_filters.CharFilter("round__key", label=_("key of a round"))
    state = django_filters.MultipleChoiceFilter(
        choices=ReportState.choices, label=_("where it stands; may be repeated")
    )
    mine = django_filters.BooleanFilter(method="of_the_reader", label=_("true: only those you wrote"))
    territory = TerritoryFilter()
    bbox = BboxFilter()
    geometry = GeometryChoiceFilter()

    class Meta:
        model = Report
        fields: list[str] = []

    def of_the_reader(self, queryset: ReportQuerySet, _name: str, mine: bool) -> ReportQuerySet:  # noqa: FBT001
        """True: theirs. False: those of others."""
        person = self.request.user.pk
        return queryset.of_author(person) if mine else queryset.exclude(author=person)
