"""Vintages, their polygons, and what is computed from them for maps and territories."""

from typing import Self

import pghistory
from django.contrib.gis.db import models
from django.contrib.gis.geos import Point
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from habitats.models.typologies import HabitatType
from habitats.states import VintageState


class VintageQuerySet(models.QuerySet["Vintage"]):
    """Questions about vintages."""

    def shown(self) -> Self:
        """Those with polygons to show."""
        return self.filter(state__in=[VintageState.WORKING, VintageState.PUBLISHED])

    def published(self) -> Self:
        """Those that everybody may see."""
        return self.filter(state=VintageState.PUBLISHED)


class Vintage(models.Model):
    """The map of one year made by one model version."""

    region = models.ForeignKey("territories.Region", models.CASCADE, related_name="vintages", verbose_name=_("region"))
    year = models.PositiveSmallIntegerField(_("year"))
    version = models.ForeignKey(
        "ml.ModelVersion", models.PROTECT, related_name="vintages", verbose_name=_("model version")
    )
    run = models.ForeignKey(
        "ml.Run", models.SET_NULL, null=True, blank=True, related_name="vintages", verbose_name=_("run")
    )
    state = models.CharField(_("state"), max_length=20, choices=VintageState, default=VintageState.BUILDING)
    classes = models.ForeignKey("ml.Artefact", models.PROTECT, related_name="+", verbose_name=_("class raster"))
    confidence = models.ForeignKey("ml.Artefact", models.PROTECT, related_name="+", verbose_name=_("confidence raster"))
    runner_ups = models.ForeignKey("ml.Artefact", models.PROTECT, related_name="+", verbose_name=_("runner-ups raster"))
    small_features = models.ForeignKey(
        "ml.Artefact",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("what the minimum unit would lose"),
    )
    polygon_count = models.PositiveIntegerField(_("polygons"), default=0)
    area_m2 = models.FloatField(_("mapped area (m²)"), default=0.0)
    minimum_unit_px = models.PositiveIntegerField(_("minimum mapping unit (cells)"))
    metrics = models.JSONField(_("scores of the class raster"), default=dict, blank=True)
    created_at = models.DateTimeField(_("made at"))
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)

    objects = VintageQuerySet.as_manager()

    class Meta:
        verbose_name = _("vintage")
        verbose_name_plural = _("vintages")
        ordering = ["-year", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["region", "year", "state"],
                condition=Q(state__in=[VintageState.WORKING, VintageState.PUBLISHED]),
                name="vintage_one_working_and_one_published_per_year",
            ),
            models.UniqueConstraint(fields=["run"], name="vintage_once_per_run"),
            models.CheckConstraint(condition=Q(state__in=VintageState.values), name="vintage_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.year} (v{self.version_id})"


class PolygonQuerySet(models.QuerySet["Polygon"]):
    """Questions about polygons."""

    def at(self, point: Point) -> Self:
        """Those under a position (SRID 4326)."""
        return self.filter(geometry__intersects=point)

    def for_lists(self) -> Self:
        """Without the twin geometry, with the names of the three habitats."""
        return self.defer("geometry_3857").select_related("habitat_type", "runner_up_1", "runner_up_2")


# What a polygon was before each change. Neither inserts nor the twin are kept: a load would take twice as long.
@pghistory.track(
    pghistory.UpdateEvent(row=pghistory.Old),
    pghistory.DeleteEvent(),
    exclude=["geometry_3857"],
    attrs={"geometry": models.PolygonField(srid=4326, spatial_index=False)},
)
class Polygon(models.Model):
    """One polygon of a vintage."""

    vintage = models.ForeignKey(Vintage, models.CASCADE, related_name="polygons", verbose_name=_("vintage"))
    number = models.PositiveIntegerField(_("number in the vintage"))
    habitat_type = models.ForeignKey(
        HabitatType, models.PROTECT, related_name="polygons", verbose_name=_("habitat type")
    )
    confidence = models.PositiveSmallIntegerField(_("confidence (%)"))
    runner_up_1 = models.ForeignKey(
        HabitatType,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("first runner-up"),
    )
    runner_up_1_share = models.PositiveSmallIntegerField(_("share of the first runner-up (%)"), default=0)
    runner_up_2 = models.ForeignKey(
        HabitatType,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("second runner-up"),
    )
    runner_up_2_share = models.PositiveSmallIntegerField(_("share of the second runner-up (%)"), default=0)
    area_m2 = models.FloatField(_("area (m²), in the region's CRS"))
    version = models.PositiveIntegerField(_("version"), default=1, help_text=_("Grows with every change."))
    geometry = models.PolygonField(_("outline"), srid=4326)
    geometry_3857 = models.PolygonField(_("outline for tiles"), srid=3857)

    objects = PolygonQuerySet.as_manager()

    class Meta:
        verbose_name = _("polygon")
        verbose_name_plural = _("polygons")
        ordering = ["vintage", "number"]
        constraints = [
            models.UniqueConstraint(fields=["vintage", "number"], name="polygon_number_once_per_vintage"),
            models.CheckConstraint(condition=Q(confidence__lte=100), name="polygon_confidence_is_a_percentage"),
            models.CheckConstraint(condition=Q(area_m2__gt=0), name="polygon_has_an_area"),
        ]

    def __str__(self) -> str:
        return f"{self.vintage_id}/{self.number}"


class GeneralisedPolygon(models.Model):
    """The map drawn coarser for low zooms: no tile request ever reads the raw polygons of a whole region."""

    vintage = models.ForeignKey(Vintage, models.CASCADE, related_name="generalised", verbose_name=_("vintage"))
    max_zoom = models.PositiveSmallIntegerField(_("up to zoom"))
    habitat_type = models.ForeignKey(HabitatType, models.PROTECT, related_name="+", verbose_name=_("habitat type"))
    geometry_3857 = models.PolygonField(_("outline for tiles"), srid=3857)

    class Meta:
        verbose_name = _("generalised polygon")
        verbose_name_plural = _("generalised polygons")
        indexes = [models.Index(fields=["vintage", "max_zoom"], name="generalised_vintage_zoom")]

    def __str__(self) -> str:
        return f"{self.vintage_id} ≤ z{self.max_zoom}"


class TerritoryStatistic(models.Model):
    """Area of one habitat in one territory, counted on the class raster."""

    vintage = models.ForeignKey(Vintage, models.CASCADE, related_name="statistics", verbose_name=_("vintage"))
    territory = models.ForeignKey(
        "territories.Territory", models.CASCADE, related_name="+", verbose_name=_("territory")
    )
    habitat_type = models.ForeignKey(HabitatType, models.PROTECT, related_name="+", verbose_name=_("habitat type"))
    area_m2 = models.FloatField(_("area (m²)"))

    class Meta:
        verbose_name = _("territory statistic")
        verbose_name_plural = _("territory statistics")
        constraints = [models.UniqueConstraint(fields=["vintage", "territory", "habitat_type"], name="statistic_once")]

    def __str__(self) -> str:
        return f"{self.vintage_id}/{self.territory_id}/{self.habitat_type_id}"


class TerritoryTransition(models.Model):
    """Area that went from one habitat to another between two vintages, in one territory."""

    vintage = models.ForeignKey(Vintage, models.CASCADE, related_name="transitions", verbose_name=_("vintage"))
    earlier = models.ForeignKey(Vintage, models.CASCADE, related_name="+", verbose_name=_("earlier vintage"))
    territory = models.ForeignKey(
        "territories.Territory", models.CASCADE, related_name="+", verbose_name=_("territory")
    )
    from_type = models.ForeignKey(HabitatType, models.PROTECT, related_name="+", verbose_name=_("from"))
    to_type = models.ForeignKey(HabitatType, models.PROTECT, related_name="+", verbose_name=_("to"))
    area_m2 = models.FloatField(_("area (m²)"))

    class Meta:
        verbose_name = _("transition")
        verbose_name_plural = _("transitions")
        constraints = [
            models.UniqueConstraint(
                fields=["vintage", "earlier", "territory", "from_type", "to_type"], name="transition_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.from_type_id} → {self.to_type_id}"
