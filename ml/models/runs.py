"""Long jobs, as rows that exist before the work starts and that are the truth about it."""

import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ml.states import OPEN_RUN_STATES, Mode, RunKind, RunState, StepState


class RunQuerySet(models.QuerySet["Run"]):
    """Questions about runs."""

    def open(self) -> Self:
        """Queued, running or awaiting a decision."""
        return self.filter(state__in=OPEN_RUN_STATES)

    def silent_since(self, moment: datetime.datetime) -> Self:
        """Those that should be working, and that nobody has heard of since the moment."""
        return self.filter(state__in=[RunState.QUEUED, RunState.RUNNING]).filter(
            Q(heartbeat_at__isnull=True) | Q(heartbeat_at__lt=moment)
        )

    def at_step(self, name: str) -> Self:
        """Those whose step of that name has begun and not finished."""
        return self.filter(steps__name=name, steps__state=StepState.RUNNING)


class Run(models.Model):
    """One long job."""

    kind = models.CharField(_("kind"), max_length=20, choices=RunKind)
    year = models.PositiveSmallIntegerField(_("year"))
    region = models.ForeignKey("territories.Region", models.CASCADE, related_name="runs", verbose_name=_("region"))
    mode = models.CharField(_("mode"), max_length=10, choices=Mode, default=Mode.ACCURATE)
    seed = models.PositiveIntegerField(_("seed"), default=0)
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    state = models.CharField(_("state"), max_length=20, choices=RunState, default=RunState.QUEUED)
    progress = models.FloatField(_("progress"), default=0.0, help_text=_("0 to 1, over all steps"))
    message = models.CharField(_("last word"), max_length=500, blank=True)
    attempt = models.PositiveSmallIntegerField(
        _("attempt"), default=0, help_text=_("Grows at each start: a worker thought dead can write no more.")
    )
    fruitless_starts = models.PositiveSmallIntegerField(
        _("starts since a step last finished"), default=0, help_text=_("Past a bound, the run fails.")
    )
    heartbeat_at = models.DateTimeField(_("last sign of life"), null=True, blank=True)
    stop_requested_at = models.DateTimeField(_("stop asked at"), null=True, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("asked by")
    )
    created_at = models.DateTimeField(_("asked at"))
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    failure = models.TextField(_("why it failed"), blank=True)
    version = models.ForeignKey(
        "ml.ModelVersion",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="runs",
        verbose_name=_("model version"),
    )
    result = models.JSONField(_("result"), default=dict, blank=True)
    cpu_seconds = models.FloatField(_("CPU (s)"), default=0.0)
    energy_wh = models.FloatField(_("energy (Wh)"), default=0.0)
    energy_method = models.CharField(_("energy method"), max_length=20, blank=True)
    peak_rss_mb = models.FloatField(_("peak memory (MB)"), default=0.0)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["region"], condition=Q(state__in=OPEN_RUN_STATES), name="run_one_open_per_region"
            ),
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="run_state_known"),
            models.CheckConstraint(condition=Q(progress__gte=0, progress__lte=1), name="run_progress_between_0_and_1"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("created_at")),
                name="run_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.get_kind_display()} {self.year}"


class RunStep(models.Model):
    """One named step of a run, with what it measured and what it left for the next ones."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="steps", verbose_name=_("run"))
    position = models.PositiveSmallIntegerField(_("position"))
    name = models.CharField(_("step"), max_length=40)
    state = models.CharField(_("state"), max_length=10, choices=StepState, default=StepState.WAITING)
    done = models.PositiveIntegerField(_("done"), default=0)
    total = models.PositiveIntegerField(_("of"), default=0)
    outputs = models.JSONField(_("left for the next steps"), default=dict, blank=True)
    seconds = models.FloatField(_("duration (s)"), default=0.0)
    cpu_seconds = models.FloatField(_("CPU (s)"), default=0.0)
    energy_wh = models.FloatField(_("energy (Wh)"), default=0.0)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["run", "position"]
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="step_once_per_run")]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.name}"
