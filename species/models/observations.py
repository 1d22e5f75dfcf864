"""Observations of taxa, and the datasets they come from."""

from typing import Self

from django.contrib.gis.db import models
from django.contrib.gis.geos import Polygon
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from species.models.taxa import Taxon
from species.states import Diffusion, Precision
from territories.models import Territory
from territories.states import TerritoryKind


class ObservationDataset(models.Model):
    """Where observations come from, and what may be shown of them."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    source = models.CharField(_("source"), max_length=300, blank=True)
    licence = models.CharField(_("licence"), max_length=200, blank=True)
    owner = models.CharField(_("owner"), max_length=200, blank=True)
    diffusion = models.CharField(_("diffusion"), max_length=20, choices=Diffusion, default=Diffusion.STANDARD)
    file_name = models.CharField(_("file"), max_length=300)
    file_sha256 = models.CharField(_("SHA-256 of the file"), max_length=64)
    imported_at = models.DateTimeField(_("imported at"))

    class Meta:
        verbose_name = _("dataset of observations")
        verbose_name_plural = _("datasets of observations")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(diffusion__in=Diffusion.values), name="dataset_diffusion_known")
        ]

    def __str__(self) -> str:
        return self.name


class ObservationQuerySet(models.QuerySet["Observation"]):
    """Questions about observations; lists for people start from `species.queries.shown_observations`."""

    def placed_in(self, territory: Territory) -> Self:
        """Those whose shown place lies in a territory.

        The exact position is never asked, else filters would locate what is blurred: an observation shown by its
        10 km cell answers to no commune, and to a department by the centre of the cell.
        """
        by_commune = Q(shown_precision__lte=Precision.COMMUNE)
        if territory.kind == TerritoryKind.COMMUNE:
            return self.filter(by_commune, commune=territory)
        if territory.kind == TerritoryKind.EPCI:
            return self.filter(by_commune, commune__epci=territory)
        by_cell = Q(shown_precision=Precision.CELL, shown_geometry__intersects=territory.geometry)
        if territory.kind == TerritoryKind.DEPARTMENT:
            by_department = Q(shown_precision=Precision.DEPARTMENT)
            return self.filter(((by_commune | by_department) & Q(commune__parent=territory)) | by_cell)
        return self

    def shown_within(self, box: Polygon) -> Self:
        """Those whose shown position lies in a box (SRID 4326)."""
        return self.filter(shown_geometry__intersects=box)


class Observation(models.Model):
    """One taxon seen at one place; what is shown of the place is decided when it is stored."""

    dataset = models.ForeignKey(
        ObservationDataset, models.CASCADE, related_name="observations", verbose_name=_("dataset")
    )
    source_id = models.CharField(_("number in the dataset"), max_length=300)
    taxon = models.ForeignKey(Taxon, models.PROTECT, related_name="observations", verbose_name=_("taxon"))
    cited_name = models.CharField(_("name as cited"), max_length=400)
    observed_from = models.DateField(_("observed from"), null=True, blank=True)
    observed_to = models.DateField(_("observed until"), null=True, blank=True)
    geometry = models.PointField(_("exact position"), srid=4326)
    uncertainty_m = models.FloatField(_("uncertainty (m)"), null=True, blank=True)
    count = models.PositiveIntegerField(_("individuals"), null=True, blank=True)
    observers = models.CharField(_("observers"), max_length=500, blank=True)
    commune = models.ForeignKey(
        Territory, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("commune")
    )
    cell = models.CharField(_("10 km cell"), max_length=40)
    sensitivity = models.PositiveSmallIntegerField(_("sensitivity"), choices=Precision, default=Precision.EXACT)
    shown_precision = models.PositiveSmallIntegerField(
        _("precision shown"), choices=Precision, default=Precision.NOTHING
    )
    shown_geometry = models.PointField(_("position shown"), srid=4326, null=True, blank=True)

    objects = ObservationQuerySet.as_manager()

    class Meta:
        verbose_name = _("observation")
        verbose_name_plural = _("observations")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "source_id"], name="observation_once_per_dataset"),
            models.CheckConstraint(
                condition=Q(sensitivity__in=Precision.values) & Q(shown_precision__in=Precision.values),
                name="observation_precision_known",
            ),
            models.CheckConstraint(
                condition=Q(shown_precision__gte=F("sensitivity")), name="observation_never_shown_finer"
            ),
            models.CheckConstraint(
                condition=Q(shown_precision=Precision.NOTHING, shown_geometry__isnull=True)
                | (~Q(shown_precision=Precision.NOTHING) & Q(shown_geometry__isnull=False)),
                name="observation_hidden_has_no_position",
            ),
            models.CheckConstraint(
                condition=Q(observed_from__isnull=True, observed_to__isnull=True)
                | Q(observed_to__gte=F("observed_from")),
                name="observation_period_in_order",
            ),
        ]
        indexes = [models.Index(fields=["commune", "shown_precision"], name="observation_commune")]

    def __str__(self) -> str:
        return f"{self.cited_name} ({self.dataset_id}/{self.source_id})"
