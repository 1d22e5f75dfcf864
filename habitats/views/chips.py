"""Image chips by date: a strip for the pages of people who decide what stands at a place, and each picture."""

from typing import Any, TypeVar, cast
from urllib.parse import urlencode

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
from habitats.forms.chips import ChipForm, ChipNameForm, ChipPlaceForm
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
    address = f"{reverse('habitats:chip')}?{request.GET.urlencode()}&"
    return answer_strip(request, form.cleaned_data["year"], _place_of(form), address)


@require_safe
@cache_control(private=True, max_age=3600)
def chip(request: HttpRequest) -> FileResponse:
    """One picture of the strip."""
    form = _checked(request, ChipForm)
    return answer_picture(form.cleaned_data["year"], _place_of(form), form)


def answer_strip(request: HtmxRequest, year: int, place: Place, address: str) -> HttpResponse:
    """The strip of a place; the date and the composition of each picture are put behind the address."""
    context: dict[str, Any] = {"year": year}
    context |= {"half_side_m": place.half_side_m, "side_m": 2 * place.half_side_m}
    try:
        chips = stored_chips(stack_paths(region_or_error(), year), place)
    except (ComputeError, InvalidFieldsError) as error:
        chips, context["why"] = [], str(error)
    context |= {"dates": _by_date(chips, address), "compositions": _compositions(chips)}
    response = render(request, f"habitats/{'_chip_strip' if request.htmx else 'chips'}.html", context)
    patch_vary_headers(response, ["HX-Request", "Cookie"])
    return response


def answer_picture(year: int, place: Place, form: ChipNameForm) -> FileResponse:
    """The picture of a date and a composition, or 404."""
    try:
        chips = stored_chips(stack_paths(region_or_error(), year), place)
    except ComputeError as error:
        raise Http404(str(error)) from error
    for one in chips:
        if (one.date, one.name) == (form.cleaned_data["date"], form.cleaned_data["name"]):
            return FileResponse(one.file.open("rb"), content_type="image/png")
    raise Http404


def square_around(point: Point) -> Place:
    """The usual square around a position (any SRID), without an outline."""
    region = region_or_error()
    centre = cast("Point", point.transform(region.epsg, clone=True))
    return Place(centre.x, centre.y, HALF_SIDE_CELLS * region.resolution_m)


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
    region, square = region_or_error(), square_around(form.point())
    polygon = form.cleaned_data["polygon"]
    if polygon is None:
        return square
    outline = _in_region_crs(polygon.geometry, region)
    west, south, east, north = outline.bounds
    reach = MARGIN * max(square.x - west, east - square.x, square.y - south, north - square.y)
    widest = LARGEST_HALF_SIDE_CELLS * region.resolution_m
    return Place(square.x, square.y, min(max(square.half_side_m, reach), widest), outline)


def _in_region_crs(outline: GEOSGeometry, region: Region) -> BaseGeometry:
    return shapely.from_wkb(bytes(outline.transform(region.epsg, clone=True).wkb))


def _by_date(chips: list[StoredChip], address: str) -> list[dict[str, Any]]:
    """The pictures of each date, with their addresses."""
    found: dict[Any, dict[str, Any]] = {}
    for one in chips:
        asked = urlencode({"date": one.date.isoformat() if one.date else "", "name": one.name})
        row = found.setdefault(one.date, {"date": one.date, "pictures": []})
        picture = {"chip": one, "address": f"{address}{asked}", "composition": COMPOSITIONS[one.name]}
        row["pictures"].append(picture)
    return list(found.values())


def _compositions(chips: list[StoredChip]) -> list[tuple[Any, str]]:
    """Each composition once, with the names of its bands."""
    return list({one.name: (COMPOSITIONS[one.name], ", ".join(one.bands)) for one in chips}.values())
