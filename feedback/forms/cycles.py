"""The form that begins a yearly cycle."""

from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from feedback.actions.cycles import FEWEST_AUDIT_POINTS, LARGEST_SEED
from territories.models import Region, User

DEFAULT_AUDIT_POINTS = 400


class StartCycleForm(forms.Form):
    """Year, thresholds, audit sample, engineer: all fixed before anything is mapped."""

    year = forms.TypedChoiceField(label=_("Year"), coerce=int)
    starts_on = forms.DateField(
        label=_("First day"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("The other dates follow from it; they can be changed afterwards."),
    )
    overall_accuracy = forms.FloatField(
        label=_("Least overall accuracy"),
        min_value=0,
        max_value=1,
        initial=0.7,
        help_text=_("0 to 1; the lower end of the audit's interval must reach it."),
    )
    macro_f1 = forms.FloatField(
        label=_("Least macro-F1"),
        min_value=0,
        max_value=1,
        initial=0.6,
        help_text=_("0 to 1; on the blocks kept for choosing models."),
    )
    audit_size = forms.IntegerField(
        label=_("Points of the audit sample"), min_value=FEWEST_AUDIT_POINTS, initial=DEFAULT_AUDIT_POINTS
    )
    seed = forms.IntegerField(
        label=_("Seed of the audit sample"),
        min_value=0,
        max_value=LARGEST_SEED,
        help_text=_("Public at once: a number drawn in front of witnesses, for example."),
    )
    engineer = forms.ModelChoiceField(
        User.objects.none(), label=_("Model engineer"), help_text=_("The mapping run is asked for in their name.")
    )

    def __init__(self, *args: Any, region: Region, engineers: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        taken = set(region.cycles.values_list("year", flat=True))
        cast("forms.TypedChoiceField", self.fields["year"]).choices = [
            (year, str(year)) for year in sorted(region.years, reverse=True) if year not in taken
        ]
        cast("forms.ModelChoiceField", self.fields["engineer"]).queryset = engineers
        for field in self.fields.values():
            is_select = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if is_select else "form-control"
