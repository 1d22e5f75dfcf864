"""What the samples of some reports brought to a version: trained with and without them."""

from django.contrib.gis.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ml.states import Mode


class Ablation(models.Model):
    """Scores with and without the samples of a source, seed by seed, on the same selection blocks."""

    version = models.ForeignKey(
        "ml.ModelVersion", models.CASCADE, related_name="ablations", verbose_name=_("model version")
    )
    run = models.OneToOneField("ml.Run", models.CASCADE, related_name="ablation", verbose_name=_("run"))
    source_prefix = models.CharField(
        _("samples left out"), max_length=120, help_text=_("Beginning of the keys of the samples left out.")
    )
    mode = models.CharField(_("mode"), max_length=10, choices=Mode)
    sample_count = models.PositiveIntegerField(_("samples left out (number)"))
    sample_weight = models.FloatField(_("their share of the weight"))
    pairs = models.JSONField(_("scores by seed"), help_text=_("Seed, then macro-F1 and overall accuracy of both."))
    differences = models.JSONField(_("mean differences with their intervals"))
    created_at = models.DateTimeField(_("measured at"))

    class Meta:
        verbose_name = _("ablation")
        verbose_name_plural = _("ablations")
        ordering = ["-created_at", "-pk"]
        constraints = [models.CheckConstraint(condition=Q(sample_count__gt=0), name="ablation_leaves_something_out")]

    def __str__(self) -> str:
        return f"{self.version}: {self.source_prefix}"
