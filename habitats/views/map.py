"""The public map: the page, its colours, the card of a polygon, the outlines of territories."""

from hashlib import sha256
from typing import Any

from django.contrib.gis.db.models import Extent
from django.contrib.gis.db.models.functions import AsGeoJSON
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from bioccia.errors import InvalidFieldsError
from bioccia.requests import HtmxRequest
from habitats.forms.places import PositionForm
from habitats.models import LegendEntry, Vintage
from habitats.queries import mappable_legend, polygons_of, vintages_visible_to
from habitats.states import VintageState
from habitats.tiles import address_of_tiles
from habitats.views.basemaps import BASEMAP_CHOICES, BASEMAPS
from habitats.views.map_words import map_words
from territories.models import Region, Territory
from territories.permissions import may
from territories.queries import narrowest_kind, outline_tile

MAX_TILE_ZOOM = 18


@require_safe
def map_page(request: HttpRequest) -> HttpResponse:
    """The map itself; its scripts read what they need from one JSON element."""
    vintages = list(vintages_visible_to(request.user, on=timezone.localdate()))
    entries = list(mappable_legend())
    return render(
        request,
        "habitats/map.html",
        {
            "vintages": vintages,
            "entries": entries,
            "basemaps": BASEMAP_CHOICES,
            "map_settings": _map_settings(vintages, entries),
        },
    )


def _map_settings(vintages: list[Vintage], entries: list[LegendEntry]) -> dict[str, Any]:
    """What the map's scripts need to know."""
    west, south, east, north = Region.objects.aggregate(box=Extent("footprint"))["box"] or (-5, 41, 10, 51)
    return {
        "bounds": [[south, west], [north, east]],
        "vintages": [
            {
                "id": vintage.pk,
                "year": vintage.year,
                "state": vintage.state,
                "tiles": address_of_tiles("habitats:tile", vintage.pk),
            }
            for vintage in vintages
        ],
        "legend": [
            {"code": entry.habitat_type.code, "label": entry.habitat_type.label, "color": entry.color}
            for entry in entries
        ],
        "outlines": address_of_tiles("habitats:outline-tile"),
        "card": reverse("habitats:polygon-card"),
        "communes": reverse("habitats:commune-search"),
        "basemaps": BASEMAPS,
        "attribution": Region.objects.values_list("attribution", flat=True).first() or "",
        "words": map_words(),
    }


@require_safe
@cache_control(public=True, max_age=300)
@condition(etag_func=lambda _request: f'"{sha256(_colour_rules().encode()).hexdigest()[:16]}"')
def legend_css(_request: HttpRequest) -> HttpResponse:
    """The colours of the legend as a sheet: pages may not write styles into their elements."""
    return HttpResponse(_colour_rules(), content_type="text/css; charset=utf-8")


def _colour_rules() -> str:
    rows = LegendEntry.objects.values_list("habitat_type__code", "color")
    return "".join(f"[data-habitat={_css_string(code)}]{{--habitat:{color}}}\n" for code, color in rows)


def _css_string(text: str) -> str:
    return '"' + "".join(sign if sign.isalnum() else f"\\{ord(sign):x} " for sign in text) + '"'


@require_safe
def polygon_card(request: HtmxRequest) -> HttpResponse:
    """What lies under a position: the card alone for the map, a page of its own for a plain link."""
    form = PositionForm(request.GET)
    if not form.is_valid():
        wrong = {name: errors[0] for name, errors in form.errors.items()}
        raise InvalidFieldsError(_("Give a vintage, and a position in degrees: vintage, lon, lat."), fields=wrong)
    visible = vintages_visible_to(request.user, on=timezone.localdate())
    vintage = get_object_or_404(visible, pk=form.cleaned_data["vintage"])
    point = form.point()
    polygon = polygons_of(vintage).at(point).annotate(outline=AsGeoJSON("geometry", precision=6)).first()
    commune = Territory.objects.of_kind(narrowest_kind()).containing(point).without_geometry().first()
    context: dict[str, Any] = {"vintage": vintage, "polygon": polygon, "commune": commune, "point": point}
    # Only the map that is being made is contested, by those who may in this commune.
    is_working = vintage.state == VintageState.WORKING
    context["may_contest"] = is_working and may(request.user, "contest", commune, on=timezone.localdate())
    response = render(request, f"habitats/{'_map_card' if request.htmx else 'map_card'}.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _region_etag(_request: HttpRequest, **_tile: int) -> str:
    """Outlines change with an import of the region only."""
    return f'"{Region.objects.values_list("imported_at", flat=True).first()}"'


@require_safe
@cache_control(public=True, max_age=86_400)
@condition(etag_func=_region_etag)
def outlines(_request: HttpRequest, z: int, x: int, y: int) -> HttpResponse:
    """Limits and names of territories, so that the map says where it is when no basemap answers."""
    if z > MAX_TILE_ZOOM or x >= 2**z or y >= 2**z:
        return HttpResponse(status=404)
    return HttpResponse(outline_tile(z, x, y), content_type="application/vnd.mapbox-vector-tile")
