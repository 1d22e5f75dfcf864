"""The yearly cycle: where a mapping year stands, from the draw of its audit sample to its release."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from feedback.states import CyclePhase


class CycleQuerySet(models.QuerySet["Cycle"]):
    """Questions about cycles."""

    def open(self) -> Self:
        """Not ended."""
        return self.filter(ended_at__isnull=True)

    def on_the_wall_clock(self) -> Self:
        """Those that the beat advances; the demonstration advances its own on its simulated clock."""
        return self.filter(is_simulated=False)


class Cycle(models.Model):
    """One mapping year of a region."""

    region = models.ForeignKey("territories.Region", models.CASCADE, related_name="cycles", verbose_name=_("region"))
    year = models.PositiveSmallIntegerField(_("year"))
    phase = models.CharField(_("phase"), max_length=30, choices=CyclePhase, default=CyclePhase.DRAW_AUDIT)
    calendar = models.JSONField(
        _("calendar"), help_text=_("Moments by name, ISO 8601; see docs/design/yearly-cycle.md.")
    )
    audit_size = models.PositiveIntegerField(_("points of the audit sample"))
    seed = models.PositiveIntegerField(_("seed of the audit sample, public"))
    waits_for = models.CharField(_("waits for"), max_length=300, blank=True)
    is_simulated = models.BooleanField(_("on the demonstration's clock"), default=False)
    run = models.ForeignKey(
        "ml.Run", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("mapping run")
    )
    release = models.ForeignKey(
        "feedback.Release", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("release")
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("release administrator")
    )
    engineer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("model engineer")
    )
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects = CycleQuerySet.as_manager()

    class Meta:
        verbose_name = _("yearly cycle")
        verbose_name_plural = _("yearly cycles")
        ordering = ["-year"]
        constraints = [
            models.UniqueConstraint(fields=["region", "year"], name="cycle_once_per_year"),
            models.CheckConstraint(condition=Q(phase__in=CyclePhase.values), name="cycle_phase_known"),
            models.CheckConstraint(
                condition=~Q(phase=CyclePhase.ENDED) | Q(ended_at__isnull=False), name="cycle_ended_has_a_moment"
            ),
        ]

    def __str__(self) -> str:
        return str(self.year)


class CycleEntry(models.Model):
    """One phase that is over; each is passed once."""

    cycle = models.ForeignKey(Cycle, models.CASCADE, related_name="entries", verbose_name=_("cycle"))
    phase = models.CharField(_("phase"), max_length=30, choices=CyclePhase)
    finished_at = models.DateTimeField(_("finished at"))
    note = models.CharField(_("note"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("finished phase")
        verbose_name_plural = _("finished phases")
        ordering = ["cycle", "finished_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["cycle", "phase"], name="cycle_phase_once")]

    def __str__(self) -> str:
        return f"{self.cycle}: {self.phase}"
