"""What image chips are asked for: a place of a year, and perhaps the polygon in question."""

from typing import Any

from django import forms
from django.contrib.gis.geos import Point
from django.utils.translation import gettext_lazy as _

from habitats.models import Polygon


class ChipPlaceForm(forms.Form):
    """A position in a year; with a polygon, its outline is drawn."""

    year = forms.IntegerField(label=_("year"), min_value=1, max_value=9999)
    lon = forms.FloatField(label=_("longitude"), min_value=-180, max_value=180)
    lat = forms.FloatField(label=_("latitude"), min_value=-90, max_value=90)
    polygon = forms.ModelChoiceField(label=_("polygon"), queryset=Polygon.objects.none(), required=False)

    def __init__(self, *args: Any, polygons: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["polygon"].queryset = polygons  # type: ignore[attr-defined]

    def point(self) -> Point:
        """The position, SRID 4326."""
        return Point(self.cleaned_data["lon"], self.cleaned_data["lat"], srid=4326)


class ChipNameForm(forms.Form):
    """Which picture of a strip."""

    date = forms.DateField(label=_("date"), required=False)
    name = forms.CharField(label=_("composition"), max_length=20)


class ChipForm(ChipPlaceForm, ChipNameForm):
    """One picture of a place."""
