"""What the sheet of a territory says, gathered for its page and for its table to download."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from habitats import queries
from habitats.models import HabitatType, TerritoryTransition, Vintage
from habitats.states import Stake
from habitats.tiles import address_of_tiles
from territories.models import Territory
from territories.states import TerritoryKind

M2_PER_HA = 10_000
TRANSITIONS_SHOWN = 12
STAKE_TAGS: dict[str, str] = {Stake.VERY_HIGH: "bad", Stake.HIGH: "wait", Stake.MEDIUM: "plain", Stake.LOW: "plain"}
# A locator map of some 300 pixels needs no more points than this many parts of the outline's width.
OUTLINE_PARTS = 300
MAP_PIXELS, TILE_PIXELS = 600, 256
NARROWEST_ZOOM, WIDEST_ZOOM = 6, 15


@dataclass(frozen=True)
class AreaLine:
    """One habitat of the table of areas."""

    habitat_type: HabitatType
    area_m2: float
    share: float
    bar: str
    confidence: int | None

    @property
    def stake(self) -> str:
        """The word of the stake, empty where the legend gives none."""
        return self.habitat_type.legend_entry.get_stake_display() if hasattr(self.habitat_type, "legend_entry") else ""

    @property
    def stake_tag(self) -> str:
        """The kind of tag of the stake."""
        return STAKE_TAGS.get(self.habitat_type.legend_entry.stake, "plain")


@dataclass(frozen=True)
class ChangeLine:
    """One habitat of the table of changes; the bar grows from the middle, to the right for a gain."""

    habitat_type: HabitatType
    earlier_m2: float
    later_m2: float
    difference_m2: float
    bar_start: str
    bar_width: str

    @property
    def ratio(self) -> float | None:
        """The difference over the earlier area; None where there was nothing."""
        return self.difference_m2 / self.earlier_m2 if self.earlier_m2 else None


@dataclass(frozen=True)
class TerritorySheet:
    """A territory in one vintage, beside an earlier one where there is one."""

    territory: Territory
    vintage: Vintage
    earlier: Vintage | None

    @cached_property
    def _confidence(self) -> dict[int, tuple[float, float]]:
        return queries.territory_confidence(self.vintage, self.territory)

    @cached_property
    def areas(self) -> list[AreaLine]:
        """Areas by habitat, the largest first; bars are drawn against the largest."""
        rows = [row for row in queries.territory_areas(self.vintage, self.territory) if row.area_m2 > 0]
        whole = sum(row.area_m2 for row in rows)
        largest = max((row.area_m2 for row in rows), default=1.0)
        return [
            AreaLine(
                habitat_type=row.habitat_type,
                area_m2=row.area_m2,
                share=row.area_m2 / whole,
                bar=_percentage(row.area_m2 / largest),
                confidence=_mean(self._confidence.get(row.habitat_type_id)),
            )
            for row in rows
        ]

    @property
    def mapped_m2(self) -> float:
        """The mapped area, m²."""
        return sum(line.area_m2 for line in self.areas)

    @property
    def mapped_share(self) -> float:
        """Of the territory, 0 to 1: a cell across a border belongs to one side, so never above 1 in print."""
        return min(self.mapped_m2 / self.territory.area_m2, 1.0)

    @property
    def mean_confidence(self) -> int | None:
        """Of the polygons that touch the territory, weighted by area, %."""
        sums = list(self._confidence.values())
        return _mean((sum(weighted for weighted, _area in sums), sum(area for _weighted, area in sums)))

    @property
    def high_stake_m2(self) -> float:
        """The area of habitats whose stake is high or very high, m²."""
        return sum(line.area_m2 for line in self.areas if line.stake and line.stake_tag != "plain")

    @cached_property
    def changes(self) -> list[ChangeLine]:
        """Habitats in both vintages, the largest difference first."""
        if self.earlier is None:
            return []
        rows = queries.territory_changes(self.vintage, self.earlier, self.territory)
        largest = max((abs(row["difference_m2"]) for row in rows), default=0.0) or 1.0
        return [_change_line(row, largest) for row in rows]

    @cached_property
    def transitions(self) -> Sequence[TerritoryTransition]:
        """What became what, the largest area first, all of them."""
        if self.earlier is None:
            return []
        return list(queries.territory_transitions(self.vintage, self.earlier, self.territory))

    @property
    def largest_transitions(self) -> Sequence[TerritoryTransition]:
        """Those worth a line."""
        return self.transitions[:TRANSITIONS_SHOWN]

    @property
    def other_transitions(self) -> int:
        """How many are left out of the table."""
        return max(0, len(self.transitions) - TRANSITIONS_SHOWN)

    @property
    def changed_m2(self) -> float:
        """The area that changed habitat, m²."""
        return sum(row.area_m2 for row in self.transitions)

    @property
    def was_compared(self) -> bool:
        """Whether the two vintages were laid over one another, cell by cell."""
        return self.earlier is not None and queries.were_compared(self.vintage, self.earlier)


def _change_line(row: dict[str, Any], largest: float) -> ChangeLine:
    half = abs(row["difference_m2"]) / largest / 2
    return ChangeLine(
        **row,
        bar_start=_percentage(0.5 if row["difference_m2"] > 0 else 0.5 - half),
        bar_width=_percentage(half),
    )


def _mean(sums: tuple[float, float] | None) -> int | None:
    return round(sums[0] / sums[1]) if sums and sums[1] else None


def _percentage(share: float) -> str:
    """For an attribute of SVG, whatever the language of the page."""
    return f"{100 * share:.2f}%"


def locator_settings(territory: Territory, vintage: Vintage) -> dict[str, Any]:
    """What the locator map draws: a thinned outline (GeoJSON), its bounds, the addresses of tiles and their colours."""
    west, south, east, north = territory.geometry.extent
    thinned = territory.geometry.simplify(max(east - west, north - south) / OUTLINE_PARTS, preserve_topology=True)
    return {
        "outline": json.loads(thinned.json),
        "bounds": [[south, west], [north, east]],
        "tiles": address_of_tiles("habitats:tile", vintage.pk),
        "outlines": address_of_tiles("habitats:outline-tile"),
        "colors": {entry.habitat_type.code: entry.color for entry in queries.legend()},
    }


def map_address(territory: Territory, vintage: Vintage) -> str:
    """The part after # of the map's address that shows the territory in a vintage."""
    west, south, east, north = territory.geometry.extent
    zoom = math.floor(math.log2(MAP_PIXELS * 360 / TILE_PIXELS / max(east - west, north - south)))
    zoom = min(max(zoom, NARROWEST_ZOOM), WIDEST_ZOOM)
    return f"a={vintage.year}&z={zoom}&lat={(south + north) / 2:.5f}&lon={(west + east) / 2:.5f}"


def place_words(territory: Territory) -> dict[str, float]:
    """The text twin of the locator map: centre and limits, in degrees."""
    west, south, east, north = territory.geometry.extent
    centre = territory.geometry.point_on_surface
    return {"lon": centre.x, "lat": centre.y, "west": west, "south": south, "east": east, "north": north}


def related_places(territory: Territory) -> list[tuple[str, list[Territory]]]:
    """The narrower territories, by kind: (title, territories by name)."""
    inside = Territory.objects.without_geometry().order_by("name")
    below = inside.filter(epci=territory) if territory.kind == TerritoryKind.EPCI else inside.filter(parent=territory)
    titles = {
        TerritoryKind.DEPARTMENT: _("Departments"),
        TerritoryKind.EPCI: _("Intercommunalities"),
        TerritoryKind.COMMUNE: _("Communes"),
    }
    found = [(title, [place for place in below if place.kind == kind]) for kind, title in titles.items()]
    return [(title, places) for title, places in found if places]


def table_lines(sheet: TerritorySheet) -> list[list[Any]]:
    """The sheet as rows: code, habitat, stake, ha, share, confidence, ha before, difference."""
    before = {line.habitat_type: line.earlier_m2 for line in sheet.changes}
    lines: list[list[Any]] = []
    for line in sheet.areas:
        earlier_m2 = before.get(line.habitat_type)
        lines.append([*_own_cells(line), *_earlier_cells(line.area_m2, earlier_m2)])
    gone = [change for change in sheet.changes if change.later_m2 == 0]
    return lines + [
        [kind.code, kind.label, "", 0, 0, "", *_earlier_cells(0.0, change.earlier_m2)]
        for change in gone
        for kind in [change.habitat_type]
    ]


def _own_cells(line: AreaLine) -> list[Any]:
    kind = line.habitat_type
    confidence = "" if line.confidence is None else line.confidence
    return [kind.code, kind.label, line.stake, _hectares(line.area_m2), round(100 * line.share, 2), confidence]


def _earlier_cells(later_m2: float, earlier_m2: float | None) -> list[Any]:
    return ["", ""] if earlier_m2 is None else [_hectares(earlier_m2), _hectares(later_m2 - earlier_m2)]


def _hectares(area_m2: float) -> float:
    return round(area_m2 / M2_PER_HA, 4)
