"""Filters that no query string can hurt."""

from typing import Any

import django_filters
from django import forms
from django.utils.translation import gettext_lazy as _

LARGEST_INTEGER = 2**31 - 1


class WholeNumberFilter(django_filters.NumberFilter):
    """A whole number that a database column can hold.

    django-filter's own reads decimals, and turning 1e999999999 into an integer takes all the memory there is.
    """

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"min_value": 0, "max_value": LARGEST_INTEGER, **options})


class CodesFilter(django_filters.BaseInFilter, django_filters.CharFilter):
    """One or several codes, separated by commas."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label": _("codes, separated by commas"), **options})
