"""Forms of model versions."""

from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from ml.models import ModelVersion

DECISIONS = (("approve", _("Approve")), ("reject", _("Reject")))


class DecisionForm(forms.Form):
    """Approves or rejects a candidate; the reason stays on its card."""

    decision = forms.ChoiceField(label=_("Decision"), choices=DECISIONS)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "form-control"}),
        help_text=_("A sentence that anybody will read on the card of the version."),
        error_messages={"required": _("Say why, in a sentence: it stays on the version's card.")},
    )


class VersionChoiceField(forms.ModelChoiceField):
    """A version by its number, with its year and its state."""

    def label_from_instance(self, obj: ModelVersion) -> str:
        """As the list of choices says it."""
        return f"{obj}, {obj.year}, {obj.get_state_display()}"


class VersionPairForm(forms.Form):
    """Two versions to lay side by side, by number."""

    left = VersionChoiceField(ModelVersion.objects.none(), label=_("Version"), to_field_name="number", empty_label=None)
    right = VersionChoiceField(ModelVersion.objects.none(), label=_("Beside"), to_field_name="number", empty_label=None)

    def __init__(self, *args: Any, visible: QuerySet[ModelVersion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in cast("dict[str, VersionChoiceField]", self.fields).values():
            field.queryset = visible
            field.widget.attrs["class"] = "form-select"
