"""What the map asks: a position in a vintage, a name."""

from django import forms
from django.contrib.gis.geos import Point
from django.utils.translation import gettext_lazy as _


class PositionForm(forms.Form):
    """A click on the map."""

    vintage = forms.IntegerField(label=_("vintage"), min_value=1, max_value=2**31)
    lon = forms.FloatField(label=_("longitude"), min_value=-180, max_value=180)
    lat = forms.FloatField(label=_("latitude"), min_value=-90, max_value=90)

    def point(self) -> Point:
        """The position, SRID 4326."""
        return Point(self.cleaned_data["lon"], self.cleaned_data["lat"], srid=4326)


class NameForm(forms.Form):
    """A commune by its name or its code."""

    q = forms.CharField(label=_("Name or INSEE code of the commune"), max_length=100, required=False)
