"""Django's entry to the app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HabitatsConfig(AppConfig):
    """Names the app."""

    name = "habitats"
    verbose_name = _("Habitats")
