"""Typologies live side by side: a habitat is known by (typology, code), never by its code alone."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from habitats.states import Stake


class Typology(models.Model):
    """One classification of habitats, in one edition."""

    code = models.CharField(_("code"), max_length=80, unique=True)
    name = models.CharField(_("name"), max_length=200)
    version = models.CharField(_("edition"), max_length=60, blank=True)
    source = models.CharField(_("source and licence"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("typology")
        verbose_name_plural = _("typologies")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class HabitatTypeQuerySet(models.QuerySet["HabitatType"]):
    """Questions about habitat types."""

    def matching(self, text: str) -> Self:
        """Those whose code begins with the text, or whose French or English name holds it, without accents."""
        return self.filter(
            Q(code__istartswith=text) | Q(label_fr__unaccent__icontains=text) | Q(label_en__unaccent__icontains=text)
        )


class HabitatType(models.Model):
    """One habitat of one typology."""

    typology = models.ForeignKey(Typology, models.CASCADE, related_name="types", verbose_name=_("typology"))
    code = models.CharField(_("code"), max_length=40)
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="children")
    level = models.PositiveSmallIntegerField(_("level"), null=True, blank=True)
    label_fr = models.CharField(_("French name"), max_length=500, blank=True)
    label_en = models.CharField(_("English name"), max_length=500, blank=True)
    cd_hab = models.PositiveIntegerField(_("HABREF number"), null=True, blank=True)

    objects = HabitatTypeQuerySet.as_manager()

    class Meta:
        verbose_name = _("habitat type")
        verbose_name_plural = _("habitat types")
        ordering = ["typology", "code"]
        constraints = [
            models.UniqueConstraint(fields=["typology", "code"], name="habitat_code_once_per_typology"),
            models.CheckConstraint(condition=~Q(code=""), name="habitat_has_a_code"),
        ]
        indexes = [models.Index(fields=["cd_hab"], name="habitat_cd_hab")]

    def __str__(self) -> str:
        return f"{self.code} {self.label}"

    @property
    def label(self) -> str:
        """The name in the language of the page, else in the other one, else the code."""
        names = (self.label_en, self.label_fr) if get_language() == "en" else (self.label_fr, self.label_en)
        return names[0] or names[1] or self.code


class LegendEntry(models.Model):
    """A row of the region's legend: the colour and the stake given to a habitat type."""

    habitat_type = models.OneToOneField(
        HabitatType, models.CASCADE, related_name="legend_entry", verbose_name=_("habitat type")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    color = models.CharField(_("colour"), max_length=7)
    stake = models.CharField(_("stake"), max_length=20, choices=Stake, blank=True)

    class Meta:
        verbose_name = _("legend entry")
        verbose_name_plural = _("legend")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["position"], name="legend_position_once"),
            models.CheckConstraint(condition=Q(color__regex=r"^#[0-9a-fA-F]{6}$"), name="legend_color_is_hex"),
        ]

    def __str__(self) -> str:
        return str(self.habitat_type)


class Crosswalk(models.Model):
    """A published table of correspondences between two typologies, in one edition."""

    from_typology = models.ForeignKey(Typology, models.CASCADE, related_name="+", verbose_name=_("from"))
    to_typology = models.ForeignKey(Typology, models.CASCADE, related_name="+", verbose_name=_("to"))
    version = models.CharField(_("edition"), max_length=60)
    source = models.CharField(_("source and licence"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("crosswalk")
        verbose_name_plural = _("crosswalks")
        constraints = [
            models.UniqueConstraint(fields=["from_typology", "to_typology", "version"], name="crosswalk_once")
        ]

    def __str__(self) -> str:
        return f"{self.from_typology} → {self.to_typology} ({self.version})"


class CrosswalkRow(models.Model):
    """One correspondence, with its relation as published ("", "=", "<", ">", "#"...)."""

    crosswalk = models.ForeignKey(Crosswalk, models.CASCADE, related_name="rows", verbose_name=_("crosswalk"))
    from_type = models.ForeignKey(HabitatType, models.CASCADE, related_name="crosswalks_from", verbose_name=_("from"))
    to_type = models.ForeignKey(HabitatType, models.CASCADE, related_name="crosswalks_to", verbose_name=_("to"))
    relation = models.CharField(_("relation"), max_length=20, blank=True)
    condition = models.CharField(_("condition"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("correspondence")
        verbose_name_plural = _("correspondences")
        constraints = [
            models.UniqueConstraint(fields=["crosswalk", "from_type", "to_type", "relation"], name="crosswalk_row_once")
        ]

    def __str__(self) -> str:
        return f"{self.from_type.code} {self.relation or '~'} {self.to_type.code}"
