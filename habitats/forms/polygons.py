"""Filters of the table twin of the map."""

from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from habitats.forms.vintages import VintageChoiceField
from habitats.models import HabitatType, Polygon, Vintage
from habitats.queries import polygons_in, polygons_of
from territories.models import Territory
from territories.queries import place_named

SORTS = {
    "-area": "-area_m2",
    "area": "area_m2",
    "-confidence": "-confidence",
    "confidence": "confidence",
    "habitat": "habitat_type__code",
    "-habitat": "-habitat_type__code",
    "number": "number",
    "-number": "-number",
}
DEFAULT_SORT = "-area"
CONFIDENCES = [("", _("Any")), ("60", _("60 % and more")), ("80", _("80 % and more")), ("90", _("90 % and more"))]


class PolygonFilterForm(forms.Form):
    """Which vintage, where, which habitat, how sure."""

    vintage = VintageChoiceField(Vintage.objects.none(), label=_("Year"), required=False, empty_label=None)
    place = forms.CharField(label=_("Commune or department"), max_length=100, required=False)
    habitat = forms.ModelChoiceField(
        label=_("Habitat"),
        queryset=HabitatType.objects.none(),
        required=False,
        empty_label=pgettext_lazy("habitats", "All"),
        to_field_name="code",
    )
    confidence = forms.TypedChoiceField(
        label=_("Confidence"), choices=CONFIDENCES, coerce=int, empty_value=None, required=False
    )

    def __init__(self, *args: Any, vintages: QuerySet[Vintage], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.visible = vintages
        in_legend = HabitatType.objects.filter(legend_entry__isnull=False).order_by("legend_entry__position")
        cast("VintageChoiceField", self.fields["vintage"]).queryset = vintages
        cast("forms.ModelChoiceField", self.fields["habitat"]).queryset = in_legend
        for name, field in self.fields.items():
            field.widget.attrs["class"] = "form-control" if name == "place" else "form-select"

    def clean_vintage(self) -> Vintage | None:
        """The latest one, unless another is asked."""
        return self.cleaned_data["vintage"] or self.visible.first()

    def clean_place(self) -> Territory | None:
        """The territory of this name or code."""
        text = self.cleaned_data["place"].strip()
        place = place_named(text) if text else None
        if text and place is None:
            raise forms.ValidationError(_("No commune nor department has this name. Check the spelling, or its code."))
        return place

    def polygons(self, sort: str) -> QuerySet[Polygon]:
        """The polygons asked, sorted (an unknown sort is the default one)."""
        asked = self.cleaned_data
        found: QuerySet[Polygon] = polygons_of(asked["vintage"]).filter(confidence__gte=asked.get("confidence") or 0)
        if asked.get("habitat"):
            found = found.filter(habitat_type=asked["habitat"])
        if asked.get("place"):
            found = polygons_in(found, asked["place"])
        return found.order_by(SORTS.get(sort, SORTS[DEFAULT_SORT]), "number")
