"""Forms of runs."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from ml.actions.runs import LARGEST_SEED
from ml.states import Mode
from territories.models import Region

DECIDERS = (
    ("person", _("a person, who reads the scores")),
    ("gate", _("the rule: not worse than the current version")),
)


class StartYearForm(forms.Form):
    """Asks for a mapping year."""

    year = forms.TypedChoiceField(label=_("Year"), coerce=int)
    mode = forms.ChoiceField(
        label=_("Mode"),
        choices=Mode.choices,
        help_text=_("Frugal computes less, for a first look."),
    )
    seed = forms.IntegerField(
        label=_("Seed"),
        min_value=0,
        max_value=LARGEST_SEED,
        initial=0,
        help_text=_("The same seed gives the same map."),
    )
    decision = forms.ChoiceField(label=_("Who decides on the new version"), choices=DECIDERS)

    def __init__(self, *args: Any, region: Region, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.TypedChoiceField", self.fields["year"]).choices = [
            (year, str(year)) for year in sorted(region.years, reverse=True)
        ]
        for field in self.fields.values():
            is_select = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if is_select else "form-control"

    def options(self) -> dict[str, Any]:
        """What `request_run` takes, beside the region and the person."""
        fields = self.cleaned_data
        return {
            "year": fields["year"],
            "mode": fields["mode"],
            "seed": fields["seed"],
            "parameters": {"decision": fields["decision"]},
        }
