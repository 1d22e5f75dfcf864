"""Reference samples: labelled places, whatever their origin."""

from typing import Self

import pghistory
from django.contrib.gis.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from habitats.models.typologies import HabitatType
from habitats.states import SampleDesign, SampleOrigin, SampleSet


class SampleQuerySet(models.QuerySet["Sample"]):
    """Questions about samples."""

    def of_year(self, year: int) -> Self:
        """Those that describe the ground of a year."""
        return self.filter(year=year)

    def in_service(self) -> Self:
        """Not retired."""
        return self.filter(retired_at__isnull=True)

    def not_sealed(self) -> Self:
        """Without the audit sample, which no desk and no training may see."""
        return self.exclude(sample_set=SampleSet.AUDIT)


@pghistory.track(
    pghistory.UpdateEvent(row=pghistory.Old),
    pghistory.DeleteEvent(),
    attrs={"geometry": models.GeometryField(srid=4326, spatial_index=False)},
)
class Sample(models.Model):
    """One labelled place."""

    key = models.CharField(_("key"), max_length=120, unique=True, help_text=_("Source, layer and row."))
    year = models.PositiveSmallIntegerField(_("year"))
    habitat_type = models.ForeignKey(
        HabitatType, models.PROTECT, related_name="samples", verbose_name=_("habitat type")
    )
    geometry = models.GeometryField(_("place"), srid=4326)
    observed_on = models.DateField(_("observed on"), null=True, blank=True)
    observers = models.CharField(_("observers"), max_length=300, blank=True)
    origin = models.CharField(_("origin"), max_length=30, choices=SampleOrigin)
    design = models.CharField(_("design"), max_length=20, choices=SampleDesign, default=SampleDesign.PURPOSIVE)
    inclusion_probability = models.FloatField(_("inclusion probability"), null=True, blank=True)
    given_split = models.CharField(_("split given by the source"), max_length=10, blank=True)
    sample_set = models.CharField(_("set"), max_length=20, choices=SampleSet)
    weight = models.FloatField(_("weight"), default=1.0)
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)

    objects = SampleQuerySet.as_manager()

    class Meta:
        verbose_name = _("reference sample")
        verbose_name_plural = _("reference samples")
        ordering = ["year", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(weight__gt=0), name="sample_weight_positive"),
            models.CheckConstraint(condition=Q(sample_set__in=SampleSet.values), name="sample_set_known"),
            models.CheckConstraint(
                condition=Q(design=SampleDesign.PURPOSIVE, inclusion_probability__isnull=True)
                | Q(design=SampleDesign.PROBABILITY, inclusion_probability__gt=0, inclusion_probability__lte=1),
                name="sample_drawn_by_probability_says_which",
            ),
        ]
        indexes = [models.Index(fields=["year", "sample_set"], name="sample_year_set")]

    def __str__(self) -> str:
        return self.key
