"""What a model learned from, and the model."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ml.models.artefacts import Artefact
from ml.states import Mode, VersionState


class TrainingSet(models.Model):
    """Samples frozen for one training: the file of their rows, known by its hash."""

    year = models.PositiveSmallIntegerField(_("year"))
    sha256 = models.CharField(_("hash of the rows"), max_length=64, unique=True)
    artefact = models.ForeignKey(Artefact, models.PROTECT, related_name="+", verbose_name=_("file"))
    sample_count = models.PositiveIntegerField(_("samples"))
    counts = models.JSONField(_("samples by set, habitat and origin"), default=dict)
    frozen_at = models.DateTimeField(_("frozen at"))

    class Meta:
        verbose_name = _("training set")
        verbose_name_plural = _("training sets")
        ordering = ["-frozen_at"]

    def __str__(self) -> str:
        return f"{self.year} {self.sha256[:12]}"


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    """Questions about model versions."""

    def approved(self) -> Self:
        """Those that may map."""
        return self.filter(state=VersionState.APPROVED)

    def current(self) -> "ModelVersion | None":
        """The approved version decided last: the one a candidate is compared with."""
        return self.approved().order_by("-decided_at", "-number").first()


class ModelVersion(models.Model):
    """One trained model with its card; never overwritten."""

    number = models.PositiveIntegerField(_("number"), unique=True)
    year = models.PositiveSmallIntegerField(_("year"))
    mode = models.CharField(_("mode"), max_length=10, choices=Mode)
    seed = models.PositiveIntegerField(_("seed"))
    state = models.CharField(_("state"), max_length=10, choices=VersionState, default=VersionState.CANDIDATE)
    training_set = models.ForeignKey(
        TrainingSet, models.PROTECT, related_name="versions", verbose_name=_("training set")
    )
    artefact = models.ForeignKey(Artefact, models.PROTECT, related_name="+", verbose_name=_("model file"))
    code_version = models.CharField(_("code version"), max_length=60)
    parameters = models.JSONField(_("parameters"), default=dict)
    metrics = models.JSONField(_("metrics"), default=dict, help_text=_("On the selection blocks, by cell."))
    comparison = models.JSONField(_("comparison with the current version"), default=dict, blank=True)
    compared_with = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("compared with")
    )
    train_seconds = models.FloatField(_("training (s)"), default=0.0)
    train_cpu_seconds = models.FloatField(_("training CPU (s)"), default=0.0)
    energy_wh = models.FloatField(_("training energy (Wh)"), default=0.0)
    energy_method = models.CharField(_("energy method"), max_length=20, blank=True)
    created_at = models.DateTimeField(_("trained at"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("decided by")
    )
    reason = models.TextField(_("reason"), blank=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=VersionState.values), name="version_state_known"),
            models.CheckConstraint(
                condition=Q(state=VersionState.CANDIDATE, decided_at__isnull=True)
                | (~Q(state=VersionState.CANDIDATE) & Q(decided_at__isnull=False) & ~Q(reason="")),
                name="version_decided_with_a_moment_and_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.number}"
