"""Questions that join several tables of habitats."""

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypedDict

from django.contrib.gis.db.models.functions import PointOnSurface
from django.db.models import Count, Exists, F, FloatField, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError
from habitats.models import HabitatType, LegendEntry, Polygon, Sample, TerritoryStatistic, TerritoryTransition, Vintage
from habitats.models.vintages import PolygonQuerySet
from ml.models import Run
from species.states import Precision
from territories.models import Region, Territory
from territories.permissions import Person, may, territories_with_right
from territories.states import TerritoryKind

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations


def vintages_visible_to(person: Person, *, on: datetime.date) -> QuerySet[Vintage]:
    """Published vintages for all; working ones for people with a mandate. Latest year first."""
    vintages = Vintage.objects.select_related("version", "region").defer("region__footprint")
    if may(person, "see_working_vintage", on=on):
        return vintages.shown()
    return vintages.published()


def samples_visible_to(person: Person, *, on: datetime.date) -> QuerySet[Sample]:
    """Samples in service on the territories where a mandate lets the person see them; never the audit sample.

    Nor those whose relevé may not be placed exactly: its own list shows it as precisely as it may be.
    """
    placeable = Q(releve__isnull=True) | Q(releve__shown_precision=Precision.EXACT)
    samples = Sample.objects.in_service().not_sealed().filter(placeable)
    held = territories_with_right(person, "see_samples", on=on)
    if any(territory.kind == TerritoryKind.REGION for territory in held):
        return samples
    places = Territory.objects.filter(pk__in=[territory.pk for territory in held])
    return samples.filter(Exists(places.filter(geometry__intersects=OuterRef("geometry"))))


def legend() -> QuerySet[LegendEntry]:
    """The rows of the region's legend, in its order, with their habitats and their parents."""
    return LegendEntry.objects.select_related("habitat_type__parent", "habitat_type__typology")


def mappable_legend() -> QuerySet[LegendEntry]:
    """The rows that a map can show: without the headings, which only group other rows and have no sample."""
    groups_others = Exists(LegendEntry.objects.filter(habitat_type__parent=OuterRef("habitat_type")))
    has_samples = Exists(Sample.objects.filter(habitat_type=OuterRef("habitat_type")))
    return legend().filter(~groups_others | has_samples)


def territory_areas(vintage: Vintage, territory: Territory) -> QuerySet[TerritoryStatistic]:
    """Areas by habitat in a territory, largest first, with colours."""
    return (
        TerritoryStatistic.objects.filter(vintage=vintage, territory=territory)
        .select_related("habitat_type__legend_entry")
        .order_by("-area_m2", "habitat_type__code")
    )


def territory_changes(later: Vintage, earlier: Vintage, territory: Territory) -> list[dict[str, Any]]:
    """Areas of each habitat in two vintages, largest difference first.

    Returns:
        Dictionaries `habitat_type`, `earlier_m2`, `later_m2`, `difference_m2`.
    """
    found: dict[int, dict[str, Any]] = {}
    for name, vintage in (("earlier_m2", earlier), ("later_m2", later)):
        for statistic in territory_areas(vintage, territory):
            row = found.setdefault(
                statistic.habitat_type_id,
                {"habitat_type": statistic.habitat_type, "earlier_m2": 0.0, "later_m2": 0.0},
            )
            row[name] = statistic.area_m2
    rows = [{**row, "difference_m2": row["later_m2"] - row["earlier_m2"]} for row in found.values()]
    return sorted(rows, key=lambda row: (-abs(row["difference_m2"]), row["habitat_type"].code))


def territory_transitions(later: Vintage, earlier: Vintage, territory: Territory) -> QuerySet[TerritoryTransition]:
    """From which habitat to which, largest first; the cells that did not change are left out."""
    return (
        TerritoryTransition.objects.filter(vintage=later, earlier=earlier, territory=territory)
        .exclude(from_type=F("to_type"))
        .select_related("from_type__legend_entry", "to_type__legend_entry")
        .order_by("-area_m2", "from_type__code", "to_type__code")
    )


def were_compared(later: Vintage, earlier: Vintage) -> bool:
    """Whether the transitions between two vintages were counted."""
    return TerritoryTransition.objects.filter(vintage=later, earlier=earlier).exists()


def territory_confidence(vintage: Vintage, territory: Territory) -> dict[int, tuple[float, float]]:
    """Confidence of the polygons that touch a territory, by habitat type.

    Returns:
        For each primary key of a habitat type: the sum of confidence (%) x area (m²), and the sum of areas (m²).
    """
    polygons = Polygon.objects.filter(vintage=vintage)
    if territory.kind != TerritoryKind.REGION:
        polygons = polygons.filter(geometry_3857__intersects=territory.geometry_3857)
    rows = polygons.values_list("habitat_type").annotate(
        weighted=Sum(Cast("confidence", FloatField()) * F("area_m2")), area=Sum("area_m2")
    )
    return {habitat_type: (weighted, area) for habitat_type, weighted, area in rows.order_by()}


def types_of_codes(codes: Iterable[str]) -> dict[str, HabitatType]:
    """The habitat types of the legend by code, as scores and class rasters name them."""
    return {
        entry.habitat_type.code: entry.habitat_type for entry in legend().filter(habitat_type__code__in=list(codes))
    }


class HabitatTotals(TypedDict):
    """What a legend entry of `habitat_summary` knows besides: number of polygons, and their area in m²."""

    polygon_count: int
    area_m2: float


def habitat_summary(vintage: Vintage) -> "QuerySet[WithAnnotations[LegendEntry, HabitatTotals]]":
    """The legend with the number of polygons and the area of each habitat in a vintage."""
    mine = Q(habitat_type__polygons__vintage=vintage)
    return legend().annotate(
        polygon_count=Count("habitat_type__polygons", filter=mine),
        area_m2=Coalesce(Sum("habitat_type__polygons__area_m2", filter=mine), Value(0.0), output_field=FloatField()),
    )


def polygons_of(vintage: Vintage) -> PolygonQuerySet:
    """The polygons of a vintage for lists and cards."""
    return Polygon.objects.for_lists().filter(vintage=vintage)


def vintage_before(vintage: Vintage) -> Vintage | None:
    """The shown vintage of the closest earlier year."""
    return vintage_before_year(vintage.year)


def vintage_before_year(year: int) -> Vintage | None:
    """The shown vintage of the closest year before this one."""
    return Vintage.objects.shown().filter(year__lt=year).order_by("-year", "-pk").first()


def region_or_error() -> Region:
    """The region of this database.

    Raises:
        InvalidFieldsError: none has been imported.
    """
    region = Region.objects.first()
    if region is None:
        raise InvalidFieldsError(_("This database holds no region yet: import a region folder first."))
    return region


def year_report(run: Run, *, import_seconds: float, import_cpu_seconds: float) -> dict[str, Any]:
    """What `run_year` answers about a finished year: the keys of the contract."""
    vintage = Vintage.objects.select_related("version__training_set").get(pk=run.result["vintage"])
    training_set = vintage.version.training_set
    steps = list(run.steps.all())
    return {
        "samples": training_set.sample_count,
        "classes": len(training_set.counts.get("by_habitat", {})),
        "version": vintage.version.number,
        "metrics": vintage.metrics,
        "polygons": vintage.polygon_count,
        "area_ha": vintage.area_m2 / 10_000,
        "seconds": {"import": import_seconds, **{step.name: step.seconds for step in steps}},
        "cpu_seconds": {"import": import_cpu_seconds, **{step.name: step.cpu_seconds for step in steps}},
        "energy_wh": run.energy_wh,
        "energy_method": run.energy_method,
        "peak_rss_mb": run.peak_rss_mb,
    }


def areas_by_habitat(vintage: Vintage, territory: Territory | None) -> list[dict[str, Any]]:
    """Areas by habitat of the whole map (territory None: from its polygons) or of a territory (from its statistics).

    Returns:
        Dictionaries `habitat_type`, `area_m2`, `share` (0-1), `polygon_count` (whole or in part), largest first.
    """
    if territory is None:
        found = [(e.habitat_type, e.area_m2, e.polygon_count) for e in habitat_summary(vintage) if e.polygon_count]
    else:
        polygons = polygons_in(Polygon.objects.filter(vintage=vintage), territory).order_by()
        counts = dict(polygons.values_list("habitat_type").annotate(Count("pk")))
        statistics = territory_areas(vintage, territory)
        found = [(row.habitat_type, row.area_m2, counts.get(row.habitat_type_id, 0)) for row in statistics]
    total = sum(area for _type, area, _count in found) or 1.0
    rows = [
        {"habitat_type": habitat_type, "area_m2": area, "share": area / total, "polygon_count": count}
        for habitat_type, area, count in found
    ]
    return sorted(rows, key=lambda row: (-row["area_m2"], row["habitat_type"].code))


def polygons_in(polygons: QuerySet[Polygon], territory: Territory) -> QuerySet[Polygon]:
    """Those that lie in a territory, whole or in part; a shared border is not enough."""
    shape = territory.geometry_3857
    return polygons.filter(geometry_3857__intersects=shape).exclude(geometry_3857__touches=shape)


def with_places(polygons: QuerySet[Polygon]) -> QuerySet[Polygon]:
    """Polygons with `inside` (a point of each, SRID 4326) and the name of its commune as `commune_name`."""
    around = Territory.objects.filter(kind=TerritoryKind.COMMUNE, geometry__intersects=OuterRef("inside"))
    return polygons.annotate(inside=PointOnSurface("geometry")).annotate(
        commune_name=Subquery(around.values("name")[:1])
    )
