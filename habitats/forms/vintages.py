"""Forms that choose vintages."""

from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from habitats.models import Vintage
from habitats.states import VintageState


def vintage_words(vintage: Vintage) -> str:
    """Its year; its state too where it is not the published one."""
    if vintage.state == VintageState.PUBLISHED:
        return str(vintage.year)
    return f"{vintage.year} ({vintage.get_state_display()})"


class VintageChoiceField(forms.ModelChoiceField):
    """A vintage by its year."""

    def label_from_instance(self, obj: Vintage) -> str:
        """As the list of choices says it."""
        return vintage_words(obj)


class VintagePairForm(forms.Form):
    """The vintage that a sheet shows, and the earlier one it is compared with."""

    vintage = VintageChoiceField(Vintage.objects.none(), label=_("Vintage"), required=False, empty_label=None)
    compared = VintageChoiceField(
        Vintage.objects.none(), label=_("Compared with"), required=False, empty_label=_("the vintage before")
    )

    def __init__(self, *args: Any, visible: QuerySet[Vintage], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.visible = visible
        for field in cast("dict[str, VintageChoiceField]", self.fields).values():
            field.queryset = visible
            field.widget.attrs |= {"class": "form-select", "data-submits": ""}

    def pair(self) -> tuple[Vintage | None, Vintage | None]:
        """(later, earlier): put in order of time whatever the order they were chosen in."""
        vintage = self.cleaned_data["vintage"] or self.visible.first()
        if vintage is None:
            return None, None
        compared = self.cleaned_data["compared"] or self._before(vintage)
        if compared == vintage:
            compared = self._before(vintage)
        if compared is not None and (compared.year, compared.pk) > (vintage.year, vintage.pk):
            return compared, vintage
        return vintage, compared

    def _before(self, vintage: Vintage) -> Vintage | None:
        return self.visible.filter(year__lt=vintage.year).first()
