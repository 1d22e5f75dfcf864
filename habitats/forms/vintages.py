"""Forms that choose vintages."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from habitats.models import Vintage


class VintagePairForm(forms.Form):
    """The vintage that a sheet shows, and the earlier one it is compared with."""

    vintage = forms.ModelChoiceField(Vintage.objects.none(), label=_("Vintage"), required=False, empty_label=None)
    compared = forms.ModelChoiceField(
        Vintage.objects.none(), label=_("Compared with"), required=False, empty_label=_("the vintage before")
    )

    def __init__(self, *args: Any, visible: QuerySet[Vintage], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.queryset = visible
            field.label_from_instance = vintage_words
            field.widget.attrs |= {"class": "form-select", "data-submits": ""}

    def pair(self) -> tuple[Vintage | None, Vintage | None]:
        """(later, earlier): put in order of time whatever the order they were chosen in."""
        vintage = self.cleaned_data["vintage"] or self.fields["vintage"].queryset.first()
        if vintage is None:
            return None, None
        compared = self.cleaned_data["compared"] or self._before(vintage)
        if compared == vintage:
            compared = self._before(vintage)
        if compared is not None and (compared.year, compared.pk) > (vintage.year, vintage.pk):
            return compared, vintage
        return vintage, compared

    def _before(self, vintage: Vintage) -> Vintage | None:
        return self.fields["vintage"].queryset.filter(year__lt=vintage.year).first()


def vintage_words(vintage: Vintage) -> str:
    """Its year; its state too where it is not the published one."""
    if vintage.state == "published":
        return str(vintage.year)
    return f"{vintage.year} ({vintage.get_state_display()})"
