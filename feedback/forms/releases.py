"""Forms of a release: each consequence of a signature is ticked by itself."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class PrepareForm(forms.Form):
    """Asks for the dossier of a map."""

    acknowledges_dropped = forms.BooleanField(
        label=_("I have read the corrections of earlier years that this map no longer follows."),
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )

    def __init__(self, *args: Any, has_dropped: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_dropped:
            del self.fields["acknowledges_dropped"]


class SignForm(forms.Form):
    """Signs a dossier by its hash."""

    dossier_sha256 = forms.CharField(widget=forms.HiddenInput, min_length=64, max_length=64)
    has_read = forms.BooleanField(label=_("I have read the dossier above, its accuracy and its limits."))
    is_for_good = forms.BooleanField(
        label=_("I know that a release never changes once published: a mistake needs an erratum, beside it.")
    )
    is_public = forms.BooleanField(
        label=_("I agree that everybody may read it, download it and use it under its licence.")
    )
    tells_authors = forms.BooleanField(
        label=_("I know that the authors of the reports that it carries are told what they changed.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.BooleanField):
                field.widget.attrs["class"] = "form-check-input"


class ReasonForm(forms.Form):
    """Says why a release is withdrawn or abandoned."""

    reason = forms.CharField(
        label=_("Why"), max_length=1000, widget=forms.Textarea(attrs={"class": "form-control", "rows": 3})
    )
