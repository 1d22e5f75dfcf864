"""`?territory=`, for every list of places, and the filters of the territories themselves."""

from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from bioccia.api.geography import BboxFilter, GeometryChoiceFilter
from territories.models import Territory
from territories.models.places import TerritoryQuerySet
from territories.states import TerritoryKind


class TerritoryField(forms.CharField):
    """`kind:code`, or a code that only one territory has."""

    def clean(self, value: Any) -> Territory | None:
        """Find the one territory, or say which ones have the code."""
        text = super().clean(value)
        return _territory_of(text) if text else None


def _territory_of(text: str) -> Territory:
    kind, separator, code = text.rpartition(":")
    found = list(Territory.objects.without_geometry().filter(code=code, **({"kind": kind} if separator else {}))[:3])
    if not found:
        raise ValidationError(_("No territory has the code %(code)s.") % {"code": text})
    if len(found) > 1:
        names = ", ".join(f"{territory.kind}:{territory.code}" for territory in found)
        raise ValidationError(_("Several territories have this code; write one of %(names)s.") % {"names": names})
    return found[0]


class TerritoryFilter(django_filters.CharFilter):
    """What touches a territory."""

    field_class = TerritoryField

    def __init__(self, field_name: str = "geometry", **options: Any) -> None:
        options.setdefault("label", _("kind:code (commune:34172), or a code alone: what touches the territory"))
        super().__init__(field_name, "intersects", **options)

    def filter(self, queryset: QuerySet, value: Territory | None) -> QuerySet:
        """Compare with the outline inside the database: it may weigh megabytes."""
        if value is None:
            return queryset
        return super().filter(queryset, Territory.objects.filter(pk=value.pk).values("geometry"))


class InsideTerritoryFilter(TerritoryFilter):
    """The territories that belong to another one."""

    def filter(self, queryset: QuerySet, value: Territory | None) -> QuerySet:
        """Children, grandchildren, and the communes of an intercommunality."""
        if value is None:
            return queryset
        return queryset.filter(Q(parent=value) | Q(parent__parent=value) | Q(epci=value))


class TerritoryFilterSet(django_filters.FilterSet):
    """Filters of `/territories/`."""

    kind = django_filters.ChoiceFilter(choices=TerritoryKind.choices, label=_("region, department, epci or commune"))
    code = django_filters.CharFilter(label=_("exact code"))
    search = django_filters.CharFilter(
        method="search_names", label=_("part of a name or beginning of a code, without accents; name beginnings first")
    )
    territory = InsideTerritoryFilter(label=_("kind:code or code: the territories that belong to it"))
    bbox = BboxFilter()
    geometry = GeometryChoiceFilter()

    class Meta:
        model = Territory
        fields: list[str] = []

    def search_names(self, queryset: TerritoryQuerySet, _name: str, text: str) -> QuerySet[Territory]:
        """As the map's search field does."""
        return queryset.named_like(text)
