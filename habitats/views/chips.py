"""Image chips by date: a strip for the pages of people who decide what stands at a place, and each picture."""

from typing import Any, TypeVar, cast

import shapely
from django.contrib.gis.geos import GEOSGeometry, Point
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from shapely.geometry.base import BaseGeometry

from bioccia.errors import InvalidFieldsError
from bioccia.requests import HtmxRequest
from habitats.chips import Place, StoredChip, stored_chips
from habitats.forms.chips import ChipForm, ChipPlaceForm
from habitats.models import Polygon
from habitats.queries import region_or_error, vintages_visible_to
from habitats.stacks import stack_paths
from ml.compute.errors import ComputeError
from territories.models import Region
from territories.permissions import may, require

# Half of the side of what is shown: 32 cells, so that a cell is 4 pixels; a polygon widens it up to a bound.
HALF_SIDE_CELLS = 32
LARGEST_HALF_SIDE_CELLS = 150
MARGIN = 1.15
COMPOSITIONS = {
    "true_colour": _("true colour"),
    "false_colour": _("false colour, near infrared in red"),
    "three_bands": _("three bands as colours"),
    "grey": _("one band in grey"),
}
AskedForm = TypeVar("AskedForm", bound=ChipPlaceForm)


@require_safe
@cache_control(private=True, max_age=0)
def chip_strip(request: HtmxRequest) -> HttpResponse:
    """The pictures of a place by date: a part of a page, or a page of its own for a plain link."""
    form = _checked(request, ChipPlaceForm)
    place = _place_of(form)
    context: dict[str, Any] = {
        "year": form.cleaned_data["year"],
        "half_side_m": place.half_side_m,
        "side_m": 2 * place.half_side_m,
    }
    try:
        chips = stored_chips(stack_paths(region_or_error(), form.cleaned_data["year"]), place)
    except (ComputeError, InvalidFieldsError) as error:
        chips, context["why"] = [], str(error)
    context |= {"dates": _by_date(request, chips), "compositions": _compositions(chips)}
    response = render(request, f"habitats/{'_chip_strip' if request.htmx else 'chips'}.html", context)
    patch_vary_headers(response, ["HX-Request", "Cookie"])
    return response


@require_safe
@cache_control(private=True, max_age=3600)
def chip(request: HttpRequest) -> FileResponse:
    """One picture of the strip."""
    form = _checked(request, ChipForm)
    asked = form.cleaned_data
    try:
        chips = stored_chips(stack_paths(region_or_error(), asked["year"]), _place_of(form))
    except ComputeError as error:
        raise Http404(str(error)) from error
    for one in chips:
        if (one.date, one.name) == (asked["date"], asked["name"]):
            return FileResponse(one.file.open("rb"), content_type="image/png")
    raise Http404


def _checked(request: HttpRequest, kind: type[AskedForm]) -> AskedForm:
    """The form of the address, or an error that names what is wrong; only for people with a mandate."""
    today = timezone.localdate()
    if not may(request.user, "interpret", on=today):
        require(request.user, "see_working_vintage", on=today)
    visible = vintages_visible_to(request.user, on=today)
    form = kind(request.GET, polygons=Polygon.objects.filter(vintage__in=visible))
    if not form.is_valid():
        wrong = {name: errors[0] for name, errors in form.errors.items()}
        raise InvalidFieldsError(_("Give a year, and a position in degrees: year, lon, lat."), fields=wrong)
    return form


def _place_of(form: ChipPlaceForm) -> Place:
    """The position in the region's CRS, and a square wide enough for the polygon."""
    region = region_or_error()
    centre = cast("Point", form.point().transform(region.epsg, clone=True))
    half_side = HALF_SIDE_CELLS * region.resolution_m
    polygon = form.cleaned_data["polygon"]
    if polygon is None:
        return Place(centre.x, centre.y, half_side)
    outline = _in_region_crs(polygon.geometry, region)
    west, south, east, north = outline.bounds
    reach = MARGIN * max(centre.x - west, east - centre.x, centre.y - south, north - centre.y)
    widest = LARGEST_HALF_SIDE_CELLS * region.resolution_m
    return Place(centre.x, centre.y, min(max(half_side, reach), widest), outline)


def _in_region_crs(outline: GEOSGeometry, region: Region) -> BaseGeometry:
    return shapely.from_wkb(bytes(outline.transform(region.epsg, clone=True).wkb))


def _by_date(request: HttpRequest, chips: list[StoredChip]) -> list[dict[str, Any]]:
    """The pictures of each date, with their addresses."""
    found: dict[Any, dict[str, Any]] = {}
    for one in chips:
        asked = request.GET.copy()
        asked["name"] = one.name
        asked["date"] = one.date.isoformat() if one.date else ""
        row = found.setdefault(one.date, {"date": one.date, "pictures": []})
        address = f"{reverse('habitats:chip')}?{asked.urlencode()}"
        row["pictures"].append({"chip": one, "address": address, "composition": COMPOSITIONS[one.name]})
    return list(found.values())


def _compositions(chips: list[StoredChip]) -> list[tuple[Any, str]]:
    """Each composition once, with the names of its bands."""
    return list({one.name: (COMPOSITIONS[one.name], ", ".join(one.bands)) for one in chips}.values())
