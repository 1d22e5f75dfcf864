"""Enumerations of species: how precisely an observation may be shown, what its dataset allows, ranks of names."""

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _


class Precision(IntegerChoices):
    """The finest place that may be shown: the five sensitivity levels of the SINP, which are also levels of blur."""

    EXACT = 0, _("exact position")
    COMMUNE = 1, _("commune")
    CELL = 2, _("10 km cell")
    DEPARTMENT = 3, _("department")
    NOTHING = 4, _("not shown")


class Diffusion(TextChoices):
    """What the convention of a dataset lets everybody see of its raw observations."""

    STANDARD = "standard", _("by commune, the rule of the SINP")
    PRECISE = "precise", _("exact positions, by an explicit convention")


class TaxonRank(TextChoices):
    """Ranks met in floras, in Darwin Core's words."""

    KINGDOM = "kingdom", _("kingdom")
    PHYLUM = "phylum", _("phylum")
    CLASS = "class", _("class")
    ORDER = "order", _("order")
    FAMILY = "family", _("family")
    GENUS = "genus", _("genus")
    SPECIES = "species", _("species")
    SUBSPECIES = "subspecies", _("subspecies")
    VARIETY = "variety", _("variety")
    SUBVARIETY = "subvariety", _("subvariety")
    FORM = "form", _("form")
    HYBRID = "hybrid", _("hybrid")
