"""Questions that join vintages, territories, habitats and people."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, FloatField, QuerySet, Sum
from django.db.models.functions import Cast

from habitats.models import HabitatType, LegendEntry, Polygon, TerritoryStatistic, TerritoryTransition, Vintage
from territories.models import Territory
from territories.permissions import Person, may
from territories.states import TerritoryKind


def vintages_visible_to(person: Person, on: datetime.date) -> QuerySet[Vintage]:
    """The vintages that have polygons and that the person may see that day, the newest first."""
    shown = Vintage.objects.shown().select_related("version")
    return shown if may(person, "see_working_vintage", on=on) else shown.published()


def legend() -> list[LegendEntry]:
    """The region's legend, in its order, with the habitat types."""
    return list(LegendEntry.objects.select_related("habitat_type").order_by("position"))


def types_of_codes(codes: Iterable[str]) -> dict[str, HabitatType]:
    """The habitat types of the legend by code, as scores and class rasters name them."""
    entries = LegendEntry.objects.filter(habitat_type__code__in=list(codes)).select_related("habitat_type")
    return {entry.habitat_type.code: entry.habitat_type for entry in entries}


@dataclass(frozen=True)
class HabitatArea:
    """What a vintage says of one habitat in one territory.

    Attributes:
        habitat_type: the habitat, with its legend entry.
        area_m2: counted on the class raster, in m².
        share: of the mapped area of the territory, 0 to 1.
    """

    habitat_type: HabitatType
    area_m2: float
    share: float


@dataclass(frozen=True)
class HabitatChange:
    """The area of one habitat in one territory, in two vintages (m²)."""

    habitat_type: HabitatType
    earlier_m2: float
    later_m2: float

    @property
    def difference_m2(self) -> float:
        """Gained (positive) or lost, in m²."""
        return self.later_m2 - self.earlier_m2

    @property
    def ratio(self) -> float | None:
        """The difference over the earlier area; None where there was nothing before."""
        return self.difference_m2 / self.earlier_m2 if self.earlier_m2 else None


def territory_areas(vintage: Vintage, territory: Territory) -> list[HabitatArea]:
    """Areas by habitat, the largest first."""
    statistics = list(
        TerritoryStatistic.objects.filter(vintage=vintage, territory=territory, area_m2__gt=0)
        .select_related("habitat_type__legend_entry")
        .order_by("-area_m2", "habitat_type__code")
    )
    whole = sum(row.area_m2 for row in statistics)
    return [HabitatArea(row.habitat_type, row.area_m2, row.area_m2 / whole) for row in statistics]


def territory_changes(later: Vintage, earlier: Vintage, territory: Territory) -> list[HabitatChange]:
    """Area of each habitat in both vintages, the largest difference first."""
    before = {row.habitat_type: row.area_m2 for row in territory_areas(earlier, territory)}
    after = {row.habitat_type: row.area_m2 for row in territory_areas(later, territory)}
    changes = [HabitatChange(kind, before.get(kind, 0.0), after.get(kind, 0.0)) for kind in {**before, **after}]
    return sorted(changes, key=lambda change: (-abs(change.difference_m2), change.habitat_type.code))


def territory_transitions(later: Vintage, earlier: Vintage, territory: Territory) -> QuerySet[TerritoryTransition]:
    """What became what between two vintages, the largest area first; empty where the pair was never compared."""
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
