"""Django's entry to the app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SpeciesConfig(AppConfig):
    """Names the app."""

    name = "species"
    verbose_name = _("Species")
