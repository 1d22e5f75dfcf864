"""Forms of rounds."""

import datetime
from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from feedback.models import Round
from territories.models import Region, Territory
from territories.queries import place_named

MOST_GRACE_DAYS = 60
DEFAULT_GRACE_DAYS = 7


class DayField(forms.DateField):
    """A day, by the browser's own calendar."""

    def __init__(self, **kwargs: Any) -> None:
        day = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "form-control"})
        super().__init__(widget=day, **kwargs)


class PlanRoundForm(forms.Form):
    """A round to come: which map, where, from when to when."""

    year = forms.TypedChoiceField(label=_("Map of"), coerce=int)
    territory = forms.CharField(label=_("Commune or department"), max_length=100)
    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("As its reviewers read it."))
    opens_on = DayField(label=_("Opens on"))
    closes_on = DayField(label=_("Last day"))
    grace_days = forms.IntegerField(
        label=_("Days of grace"),
        min_value=0,
        max_value=MOST_GRACE_DAYS,
        initial=DEFAULT_GRACE_DAYS,
        help_text=_("Drafts begun in time may still be sent."),
    )

    def __init__(self, *args: Any, region: Region, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        years = sorted(region.years, reverse=True)
        cast("forms.ChoiceField", self.fields["year"]).choices = [(year, str(year)) for year in years]
        for name, field in self.fields.items():
            field.widget.attrs["class"] = "form-select" if name == "year" else "form-control"

    def clean_territory(self) -> Territory:
        """The territory of this name or code."""
        place = place_named(self.cleaned_data["territory"].strip())
        if place is None:
            raise forms.ValidationError(_("No territory has this name. Check the spelling, or its code."))
        return place

    def clean(self) -> dict[str, Any]:
        """A round closes after it opens."""
        asked = super().clean() or {}
        opens_on, closes_on = asked.get("opens_on"), asked.get("closes_on")
        if opens_on and closes_on and closes_on < opens_on:
            self.add_error("closes_on", _("The last day comes before the first one."))
        return asked

    def plan(self) -> dict[str, Any]:
        """What `plan_round` takes: a short name of its own, and moments at midnight of the region's clock."""
        asked = self.cleaned_data
        closes_at = _midnight(asked["closes_on"] + datetime.timedelta(days=1))
        return {
            "key": free_key(asked["year"], asked["territory"]),
            "year": asked["year"],
            "territory": asked["territory"],
            "name": asked["name"],
            "opens_at": _midnight(asked["opens_on"]),
            "closes_at": closes_at,
            "grace_ends_at": closes_at + datetime.timedelta(days=asked["grace_days"]),
        }


def free_key(year: int, territory: Territory) -> str:
    """The short name of the next round of a territory in a year: 2026-34-M2 after 2026-34-M1."""
    stem = f"{year}-{territory.code}-M"
    taken = set(Round.objects.filter(key__startswith=stem).values_list("key", flat=True))
    number = next(number for number in range(1, len(taken) + 2) if f"{stem}{number}" not in taken)
    return f"{stem}{number}"


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))
