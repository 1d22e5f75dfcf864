"""Time-boxed rounds in which a vintage is contested."""

import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from feedback.states import RoundState


class RoundQuerySet(models.QuerySet["Round"]):
    """Questions about rounds."""

    def receiving(self, at: datetime.datetime) -> Self:
        """Open ones, and those just closed whose grace still runs: a draft begun in time may be sent."""
        return self.filter(
            Q(state=RoundState.OPEN, opens_at__lte=at, grace_ends_at__gt=at)
            | Q(state=RoundState.CLOSED, grace_ends_at__gt=at)
        )

    def in_grace(self, at: datetime.datetime) -> Self:
        """Closed, but a draft begun in time may still be sent."""
        return self.filter(state=RoundState.CLOSED, grace_ends_at__gt=at)

    def unfinished(self) -> Self:
        """Planned or open."""
        return self.exclude(state=RoundState.CLOSED)


class Round(models.Model):
    """One round of contestation of one vintage, in one territory."""

    key = models.SlugField(_("short name"), max_length=60, unique=True, help_text=_("YEAR-TERRITORY-M1, for example"))
    year = models.PositiveSmallIntegerField(_("year of the map"))
    region = models.ForeignKey("territories.Region", models.CASCADE, related_name="rounds", verbose_name=_("region"))
    territory = models.ForeignKey(
        "territories.Territory", models.PROTECT, related_name="rounds", verbose_name=_("territory")
    )
    name = models.CharField(_("name"), max_length=100)
    state = models.CharField(_("state"), max_length=20, choices=RoundState, default=RoundState.PLANNED)
    opens_at = models.DateTimeField(_("opens"))
    closes_at = models.DateTimeField(_("closes"))
    grace_ends_at = models.DateTimeField(
        _("grace ends"), help_text=_("Drafts begun before the close may be sent until then.")
    )
    opened_at = models.DateTimeField(_("opened at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    is_simulated = models.BooleanField(
        _("on the demonstration's clock"), default=False, help_text=_("The beat neither opens nor closes it.")
    )

    objects = RoundQuerySet.as_manager()

    class Meta:
        verbose_name = _("round")
        verbose_name_plural = _("rounds")
        ordering = ["-opens_at", "key"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RoundState.values), name="round_state_known"),
            models.CheckConstraint(condition=Q(closes_at__gt=F("opens_at")), name="round_closes_after_it_opens"),
            models.CheckConstraint(
                condition=Q(grace_ends_at__gte=F("closes_at")), name="round_grace_ends_after_its_close"
            ),
        ]

    def __str__(self) -> str:
        return self.key

    def receives(self, at: datetime.datetime) -> bool:
        """Whether a report may be sent at the moment."""
        if self.state == RoundState.PLANNED or at < self.opens_at:
            return False
        return at < self.grace_ends_at
