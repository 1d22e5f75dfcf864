"""What the page of a contestation shows: the round, its map, the chosen polygons and what changed under them."""

import datetime
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.gis.db.models import Union
from django.contrib.gis.db.models.functions import AsGeoJSON
from django.contrib.gis.geos import GEOSGeometry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from feedback.forms.reports import ContestForm, PolygonQuestionForm, Seen
from feedback.models import Report, Round
from feedback.permissions import places_of
from feedback.queries.ground import STAKE_ORDER, contested_vintage, stake_of
from feedback.views.contest_words import contest_words
from feedback.views.standing import Standing, standing_of
from habitats.models import HabitatType, LegendEntry, Polygon, Vintage
from habitats.queries import mappable_legend, polygons_of, types_of_codes
from habitats.tiles import address_of_tiles
from habitats.views.basemaps import BASEMAP_CHOICES, BASEMAPS
from territories.models import Territory, User
from territories.permissions import SignedInRequest, may

# About 30 m: the outline of the territory guides the eye, the server decides.
PLACE_TOLERANCE_DEGREES = 0.0003


@dataclass(frozen=True)
class ChosenPolygon:
    """A polygon of the list, as the map holds it now.

    Attributes:
        polygon: the polygon, with its habitats and its `outline` as GeoJSON.
        stake_rank: how much is at stake, from 0.
        was: the habitat that the author saw, where the polygon changed since.
        changed: whether its version grew since.
    """

    polygon: Polygon
    stake_rank: int
    was: HabitatType | None = None
    changed: bool = False

    @property
    def seen(self) -> str:
        """As the form carries it: the version that stands on the page now."""
        return f"{self.polygon.pk}:{self.polygon.version}:{self.polygon.habitat_type.code}"

    @property
    def runner_ups(self) -> list[tuple[Any, int]]:
        """What else the model saw, with its share (%)."""
        pairs = [
            (self.polygon.runner_up_1, self.polygon.runner_up_1_share),
            (self.polygon.runner_up_2, self.polygon.runner_up_2_share),
        ]
        return [(habitat, share) for habitat, share in pairs if habitat is not None]


@dataclass
class ContestPage:
    """Everything the template asks for.

    Attributes:
        request: of a person signed in.
        round: the round of the report.
        form: the form, bound or not.
        seen: the polygons of the list.
        report: the draft, once there is one.
        at: the moment.
    """

    request: SignedInRequest
    round: Round
    form: ContestForm
    seen: Sequence[Seen]
    report: Report | None
    at: datetime.datetime

    def context(self, **more: Any) -> dict[str, Any]:
        """For the template."""
        today = timezone.localdate(self.at)
        # A draft outlives the mandate that let its author see the map.
        vintage = contested_vintage(self.round) if may(self.request.user, "see_working_vintage", on=today) else None
        chosen = chosen_polygons(vintage, self.seen)
        standing = standing_of(self.round, self.at)
        entries = list(mappable_legend())
        return {
            "form": self.form,
            "report": self.report,
            "round": self.round,
            "standing": standing,
            "held": [place.name for place in places_of(self.request.user, "contest", today)],
            "vintage": vintage,
            "chosen": chosen,
            "gone": len(self.seen) - len(chosen),
            "changed": any(line.changed for line in chosen),
            "total_m2": sum(line.polygon.area_m2 for line in chosen),
            "entries": entries,
            "basemaps": BASEMAP_CHOICES,
            "find_form": PolygonQuestionForm(rounds=Round.objects.none()),
            "contest_settings": self._settings(vintage, entries, standing),
            **more,
        }

    def _settings(self, vintage: Vintage | None, entries: list[LegendEntry], standing: Standing) -> dict[str, Any]:
        place = contestable_place(self.request.user, self.round, self.at)
        west, south, east, north = (place or self.round.region.footprint).extent
        return {
            "bounds": [[south, west], [north, east]],
            "place": json.loads(place.geojson) if place else None,
            "focus": _focus(self.request),
            "vintage": {"id": vintage.pk, "tiles": address_of_tiles("habitats:tile", vintage.pk)} if vintage else None,
            "legend": [_legend_line(entry) for entry in entries],
            "outlines": address_of_tiles("habitats:outline-tile"),
            "polygon": reverse("feedback:contest-polygon"),
            "near": reverse("feedback:contest-near"),
            "polygons": reverse("polygon-list"),
            "save": reverse("feedback:contest"),
            "basemaps": BASEMAPS,
            "attribution": self.round.region.attribution,
            "round": self.round.key,
            "receives": standing.receives,
            "person": self.request.user.pk,
            "words": contest_words(),
        }


def _focus(request: HttpRequest) -> list[float] | None:
    """The position that a link of the public map named: longitude, latitude."""
    try:
        lon, lat = (float(request.GET[name]) for name in ("lon", "lat"))
    except (KeyError, ValueError):
        return None
    return [lon, lat] if abs(lon) <= 180 and abs(lat) <= 90 else None


def _legend_line(entry: LegendEntry) -> dict[str, Any]:
    habitat = entry.habitat_type
    return {
        "code": habitat.code,
        "label": habitat.label,
        "color": entry.color,
        "stake": STAKE_ORDER.index(entry.stake),
    }


def chosen_polygons(vintage: Vintage | None, seen: Iterable[Seen]) -> list[ChosenPolygon]:
    """The polygons that still stand on the map, in the order in which they were chosen."""
    if vintage is None:
        return []
    seen = list(seen)
    found = {polygon.pk: polygon for polygon in shown_polygons(vintage).filter(pk__in=[line.polygon for line in seen])}
    types = types_of_codes({line.code for line in seen})
    return [_chosen(found[line.polygon], line, types) for line in seen if line.polygon in found]


def _chosen(polygon: Polygon, seen: Seen, types: dict[str, HabitatType]) -> ChosenPolygon:
    changed = polygon.version != seen.version
    was = types.get(seen.code) if changed else None
    return ChosenPolygon(polygon, stake_rank(polygon), was=was, changed=changed)


def stake_rank(polygon: Polygon) -> int:
    """How much is at stake in a polygon, from 0 (nothing said) to 4."""
    return STAKE_ORDER.index(stake_of(polygon.habitat_type))


def shown_polygons(vintage: Vintage) -> QuerySet[Polygon]:
    """The polygons of the map with what a line of the list needs."""
    polygons = polygons_of(vintage).select_related("habitat_type__legend_entry", "runner_up_1", "runner_up_2")
    return polygons.annotate(outline=AsGeoJSON("geometry", precision=6))


def contestable_place(person: User, round_: Round, at: datetime.datetime) -> GEOSGeometry | None:
    """Where the person may contest in a round, drawn coarser: their territories within that of the round."""
    held = places_of(person, "contest", timezone.localdate(at))
    if not held:
        return None
    if any(territory.pk in round_.territory.ancestor_ids() for territory in held):
        place: GEOSGeometry = round_.territory.geometry
    else:
        union = Territory.objects.filter(pk__in=[territory.pk for territory in held]).aggregate(shape=Union("geometry"))
        place = union["shape"].intersection(round_.territory.geometry)
    place = place.simplify(PLACE_TOLERANCE_DEGREES, preserve_topology=True)
    return None if place.empty else place
