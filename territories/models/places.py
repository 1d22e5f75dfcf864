"""The region that is mapped, and its territories."""

from typing import Self

from django.contrib.gis.db import models
from django.contrib.gis.geos import Point
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from territories.states import RIGHTS_OF_ROLE, TerritoryKind

RIGHT_LABELS = {
    "see_working_vintage": "may see a vintage before its release",
    "see_samples": "may see reference samples",
    "survey": "may survey relevés",
    "lead_campaign": "may lead field campaigns",
    "validate_releve": "may validate relevés",
    "interpret": "may label points on imagery",
    "contest": "may contest polygons",
    "decide": "may decide reports",
    "decide_appeal": "may decide appeals",
    "run_models": "may start mapping years",
    "decide_version": "may approve model versions",
    "release": "may open rounds and sign releases",
    "stop_runs": "may stop runs",
}
if {right for rights in RIGHTS_OF_ROLE.values() for right in rights} != set(RIGHT_LABELS):
    raise ImportError("every right of a role needs its label, and every label its right")


class Region(models.Model):
    """The one region of this database, as its region folder describes it."""

    slug = models.SlugField(_("short name"), unique=True)
    name = models.CharField(_("name"), max_length=200)
    epsg = models.PositiveIntegerField(_("EPSG code of its CRS"))
    resolution_m = models.FloatField(_("nominal cell size (m)"))
    typology_code = models.CharField(_("typology of its legend"), max_length=80)
    minimum_unit_px = models.PositiveIntegerField(_("minimum mapping unit (cells)"), default=4)
    attribution = models.TextField(_("attribution"), blank=True)
    licence = models.CharField(_("licence"), max_length=200, blank=True)
    sampling_seed = models.BigIntegerField(_("seed of the draw of spatial blocks"), default=0)
    is_simulated = models.BooleanField(_("simulated data"), default=False)
    folder = models.CharField(_("folder it was imported from"), max_length=1000)
    years = models.JSONField(_("years with a stack"), default=list)
    footprint = models.MultiPolygonField(_("footprint"), srid=4326)
    imported_at = models.DateTimeField(_("imported at"))

    class Meta:
        verbose_name = _("region")
        verbose_name_plural = _("regions")

    def __str__(self) -> str:
        return self.name


class TerritoryQuerySet(models.QuerySet["Territory"]):
    """Questions about territories."""

    def of_kind(self, kind: TerritoryKind | str) -> Self:
        """Those of one kind."""
        return self.filter(kind=kind)

    def named_like(self, text: str) -> Self:
        """Those whose name or code holds the text, without regard to accents or case; name beginnings first."""
        return self.filter(Q(name__unaccent__icontains=text) | Q(code__istartswith=text)).order_by(
            models.Case(models.When(name__unaccent__istartswith=text, then=0), default=1), "name", "code"
        )

    def containing(self, point: Point) -> Self:
        """Those that hold a point (SRID 4326)."""
        return self.filter(geometry__intersects=point)

    def without_geometry(self) -> Self:
        """For lists: outlines are heavy."""
        return self.defer("geometry", "geometry_3857")


class Territory(models.Model):
    """A place with people: region, department, intercommunality or commune."""

    kind = models.CharField(_("kind"), max_length=20, choices=TerritoryKind)
    code = models.CharField(_("code"), max_length=20)
    name = models.CharField(_("name"), max_length=200)
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="children")
    epci = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="communes")
    geometry = models.MultiPolygonField(_("outline"), srid=4326)
    geometry_3857 = models.MultiPolygonField(_("outline for tiles"), srid=3857, spatial_index=True)
    area_m2 = models.FloatField(_("area (m²), in the region's CRS"))

    objects = TerritoryQuerySet.as_manager()

    class Meta:
        verbose_name = _("territory")
        verbose_name_plural = _("territories")
        ordering = ["kind", "code"]
        permissions = list(RIGHT_LABELS.items())
        constraints = [
            models.UniqueConstraint(fields=["kind", "code"], name="territory_code_once_per_kind"),
            models.CheckConstraint(condition=Q(kind__in=TerritoryKind.values), name="territory_kind_known"),
            models.CheckConstraint(condition=Q(area_m2__gt=0), name="territory_has_an_area"),
        ]
        indexes = [
            models.Index(fields=["name"], name="territory_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"

    def ancestor_ids(self) -> set[int]:
        """The primary keys of `ancestors_and_self`, one question per level and no outline read."""
        found: set[int] = set()
        level: set[int] = {self.pk}
        while level:
            found |= level
            parents = Territory.objects.filter(pk__in=level).order_by().values_list("parent_id", "epci_id")
            level = {pk for pair in parents for pk in pair if pk is not None} - found
        return found

    def ancestors_and_self(self) -> list["Territory"]:
        """From this one up to the region; the intercommunality of a commune counts as an ancestor."""
        chain: list[Territory] = []
        waiting: list[Territory | None] = [self]
        while waiting:
            territory = waiting.pop(0)
            if territory is not None and territory not in chain:
                chain.append(territory)
                waiting += [territory.parent, territory.epci]
        return chain
