"""Django's entry to the app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MlConfig(AppConfig):
    """Names the app."""

    name = "ml"
    verbose_name = _("Ml")
