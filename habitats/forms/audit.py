"""Forms of the audit: the draw, a label."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from habitats.actions.audit_draw import LARGEST_SEED
from habitats.models.audit import LONGEST_NOTE, AuditLabel
from habitats.queries.audit import labellable_types
from habitats.states import LabelConfidence

NOT_INTERPRETABLE = "-"
DEFAULT_SIZE = 500


class DrawForm(forms.Form):
    """A draw for a year that has images and no map yet."""

    year = forms.TypedChoiceField(label=_("Year"), coerce=int)
    size = forms.IntegerField(label=_("Points"), min_value=1, max_value=100_000, initial=DEFAULT_SIZE)
    seed = forms.IntegerField(
        label=_("Seed"),
        min_value=0,
        max_value=LARGEST_SEED,
        help_text=_("A number announced beforehand, so that nobody can choose among draws."),
    )

    def __init__(self, *args: Any, years: list[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ChoiceField", self.fields["year"]).choices = [(year, str(year)) for year in years]
        for name, field in self.fields.items():
            field.widget.attrs["class"] = "form-select" if name == "year" else "form-control"


class LabelForm(forms.Form):
    """What stands at a point: a habitat of the legend, or that the images do not allow to say."""

    habitat = forms.TypedChoiceField(
        label=_("Habitat"),
        coerce=str,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a habitat, or say that the images do not allow to tell.")},
    )
    confidence = forms.TypedChoiceField(
        label=_("Confidence"),
        coerce=int,
        choices=LabelConfidence,
        widget=forms.RadioSelect,
        error_messages={"required": _("Say how sure you are.")},
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=LONGEST_NOTE,
        required=False,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.types = {str(one.pk): one for one in labellable_types()}
        choices: list[Any] = [(key, str(one)) for key, one in self.types.items()]
        choices.append((NOT_INTERPRETABLE, _("Not interpretable")))
        cast("forms.ChoiceField", self.fields["habitat"]).choices = choices

    def options(self) -> list[dict[str, Any]]:
        """Each choice of the habitat with its type; None for the last one, which says that nothing can be told."""
        radios = self["habitat"].subwidgets
        return [{"radio": radio, "type": self.types.get(str(radio.data["value"]))} for radio in radios]

    def label(self) -> dict[str, Any]:
        """The arguments of the action."""
        asked = self.cleaned_data
        habitat_type = self.types.get(asked["habitat"])
        return {"habitat_type": habitat_type, "confidence": asked["confidence"], "note": asked["note"]}


def initial_of(label: AuditLabel | None) -> dict[str, Any]:
    """The fields as a person filled them before."""
    if label is None:
        return {}
    habitat = str(label.habitat_type_id) if label.habitat_type_id else NOT_INTERPRETABLE
    return {"habitat": habitat, "confidence": label.confidence, "note": label.note}
