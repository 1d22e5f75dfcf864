"""Corrections: changes of a vintage's polygons by a decision, and what became of them in the next vintages."""

from typing import Self

from django.conf import settings
from django.contrib.gis.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from habitats.models.samples import Sample
from habitats.models.typologies import HabitatType
from habitats.models.vintages import Vintage
from habitats.states import BindingOutcome, CorrectionState, DropReason


class CorrectionQuerySet(models.QuerySet["Correction"]):
    """Questions about corrections."""

    def applied(self) -> Self:
        """Neither reverted, nor the reversal of another."""
        return self.filter(state=CorrectionState.APPLIED, reverts__isnull=True)

    def in_order(self) -> Self:
        """As they were decided: where two overlap, the later one says what stands."""
        return self.order_by("decided_at", "pk")

    def of_source(self, prefix: str) -> Self:
        """Those whose source begins with the prefix."""
        return self.filter(source__startswith=prefix)


class Correction(models.Model):
    """One change of the map by a decision; it is never removed, only reverted by another one."""

    vintage = models.ForeignKey(Vintage, models.PROTECT, related_name="corrections", verbose_name=_("vintage"))
    source = models.CharField(_("source"), max_length=120, help_text=_("What asked for it, e.g. report:<uuid>."))
    geometry = models.MultiPolygonField(_("corrected ground"), srid=4326)
    area_m2 = models.FloatField(_("corrected area (m²), in the region's CRS"))
    to_type = models.ForeignKey(
        HabitatType, models.PROTECT, related_name="corrections", verbose_name=_("habitat decided")
    )
    observed_on = models.DateField(_("observed on"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="corrections",
        verbose_name=_("decided by"),
    )
    reason = models.TextField(_("reason"), blank=True)
    state = models.CharField(_("state"), max_length=10, choices=CorrectionState, default=CorrectionState.APPLIED)
    reverts = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reverted_by", verbose_name=_("reverts")
    )
    sample = models.OneToOneField(
        Sample, models.PROTECT, null=True, blank=True, related_name="correction", verbose_name=_("reference sample")
    )

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering = ["decided_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=CorrectionState.values), name="correction_state_known"),
            models.CheckConstraint(condition=Q(area_m2__gt=0), name="correction_has_an_area"),
            models.CheckConstraint(condition=~Q(source=""), name="correction_says_its_source"),
        ]
        indexes = [models.Index(fields=["source"], name="correction_source")]

    def __str__(self) -> str:
        return f"{self.source} → {self.to_type.code}"


class CorrectedPiece(models.Model):
    """One polygon before and after a correction, in the vintage where the correction was applied.

    Without `version_before` the polygon is new; without `version_after` it is gone; where both are equal, only
    vertices were added to its outline so that it still matches a neighbour that changed.
    """

    correction = models.ForeignKey(Correction, models.CASCADE, related_name="pieces", verbose_name=_("correction"))
    vintage = models.ForeignKey(Vintage, models.CASCADE, related_name="+", verbose_name=_("vintage"))
    number = models.PositiveIntegerField(_("number in the vintage"))
    version_before = models.PositiveIntegerField(_("version before"), null=True, blank=True)
    version_after = models.PositiveIntegerField(_("version after"), null=True, blank=True)
    type_before = models.ForeignKey(
        HabitatType, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("habitat before")
    )
    type_after = models.ForeignKey(
        HabitatType, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("habitat after")
    )
    area_before_m2 = models.FloatField(_("area before (m²)"), default=0.0)
    area_after_m2 = models.FloatField(_("area after (m²)"), default=0.0)
    guess_before = models.JSONField(_("confidence and runner-ups before"), default=dict, blank=True)
    geometry_before = models.PolygonField(_("outline before"), srid=4326, null=True, blank=True, spatial_index=False)
    geometry_after = models.PolygonField(_("outline after"), srid=4326, null=True, blank=True, spatial_index=False)

    class Meta:
        verbose_name = _("corrected polygon")
        verbose_name_plural = _("corrected polygons")
        ordering = ["correction", "number"]
        constraints = [
            models.UniqueConstraint(fields=["correction", "vintage", "number"], name="corrected_polygon_once"),
            models.CheckConstraint(
                condition=Q(version_before__isnull=False) | Q(version_after__isnull=False),
                name="corrected_polygon_was_or_is",
            ),
            models.CheckConstraint(
                condition=Q(version_before__isnull=True)
                | Q(version_after__isnull=True)
                | Q(version_after__gte=F("version_before")),
                name="corrected_polygon_version_grows",
            ),
        ]
        indexes = [models.Index(fields=["vintage", "number"], name="corrected_polygon_place")]

    def __str__(self) -> str:
        return f"{self.correction_id}: {self.vintage_id}/{self.number}"


class BoundCorrection(models.Model):
    """What became of an earlier correction in a later vintage."""

    correction = models.ForeignKey(Correction, models.CASCADE, related_name="bindings", verbose_name=_("correction"))
    vintage = models.ForeignKey(Vintage, models.CASCADE, related_name="bindings", verbose_name=_("vintage"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=BindingOutcome)
    reason = models.CharField(_("why it was dropped"), max_length=20, choices=DropReason, blank=True)
    geometry = models.MultiPolygonField(_("ground where it still stood"), srid=4326)
    area_m2 = models.FloatField(_("area (m²), in the region's CRS"), default=0.0)
    evidence = models.JSONField(_("evidence"), default=dict, blank=True)

    class Meta:
        verbose_name = _("binding correction")
        verbose_name_plural = _("binding corrections")
        ordering = ["vintage", "correction"]
        constraints = [
            models.UniqueConstraint(fields=["correction", "vintage"], name="binding_once_per_vintage"),
            models.CheckConstraint(condition=Q(outcome__in=BindingOutcome.values), name="binding_outcome_known"),
            models.CheckConstraint(
                condition=Q(outcome=BindingOutcome.DROPPED) & ~Q(reason="")
                | ~Q(outcome=BindingOutcome.DROPPED) & Q(reason=""),
                name="binding_dropped_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.correction_id} → {self.vintage_id}: {self.outcome}"
