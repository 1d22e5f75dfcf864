"""What the pages of species ask."""

from django import forms
from django.utils.translation import gettext_lazy as _


class TaxonForm(forms.Form):
    """A taxon by one of its names."""

    q = forms.CharField(label=_("Scientific or everyday name"), max_length=100, required=False)
