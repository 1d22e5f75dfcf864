"""The catalogue of predictors: what the models may look at."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

PUBLISHED_MAP = "published_map"


class PredictorLayerQuerySet(models.QuerySet["PredictorLayer"]):
    """Questions about the catalogue."""

    def of_stack(self, year: int) -> Self:
        """What the models of a year look at: not the map that was made from it."""
        return self.filter(year=year).exclude(kind=PUBLISHED_MAP)

    def published_maps(self, year: int) -> Self:
        """The layers of the release that stands, for models of other things than habitats."""
        return self.filter(year=year, kind=PUBLISHED_MAP)


class PredictorLayer(models.Model):
    """One band of the feature stack of a year; a published vintage registers its layers here too."""

    year = models.PositiveSmallIntegerField(_("year"))
    file = models.CharField(_("file"), max_length=1000)
    band = models.PositiveSmallIntegerField(_("band"))
    name = models.CharField(_("name"), max_length=100)
    acquired_on = models.DateField(_("acquired on"), null=True, blank=True)
    kind = models.CharField(_("kind"), max_length=20)
    scale = models.FloatField(_("scale"), default=1.0)
    offset = models.FloatField(_("offset"), default=0.0)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    nodata = models.FloatField(_("value of no data"), null=True, blank=True)

    objects = PredictorLayerQuerySet.as_manager()

    class Meta:
        verbose_name = _("predictor")
        verbose_name_plural = _("predictors")
        ordering = ["year", "file", "band"]
        constraints = [models.UniqueConstraint(fields=["year", "file", "band"], name="predictor_band_once")]

    def __str__(self) -> str:
        return f"{self.year} {self.name}"
