"""The table twin of the map: areas by habitat, polygons with filters, both as CSV."""

from collections.abc import Iterator
from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from bioccia.errors import InvalidFieldsError
from habitats.forms.polygons import DEFAULT_SORT, PolygonFilterForm
from habitats.models import Polygon
from habitats.queries import areas_by_habitat, vintages_visible_to, with_places
from habitats.views.spreadsheet import csv_response

PER_PAGE = 25
M2_PER_HA = 10_000


@require_safe
def map_table(request: HttpRequest) -> HttpResponse:
    """Everything that the map shows, in words and figures."""
    form = _filters(request)
    sort = request.GET.get("sort", DEFAULT_SORT)
    context: dict[str, Any] = {"form": form, "sort": sort}
    if form.is_valid() and form.cleaned_data["vintage"]:
        vintage, place = form.cleaned_data["vintage"], form.cleaned_data["place"]
        page = Paginator(form.polygons(sort), PER_PAGE).get_page(request.GET.get("page"))
        page.object_list = with_places(cast("QuerySet[Polygon]", page.object_list))  # a page of a QuerySet is one too
        rows = areas_by_habitat(vintage, place)
        context |= {"vintage": vintage, "place": place, "page": page, "rows": rows}
        context["total_m2"] = sum(row["area_m2"] for row in rows)
        for row in rows:
            row["bar"] = row["share"] / (rows[0]["share"] or 1)
    return render(request, "habitats/map_table.html", context, status=200 if form.is_valid() else 422)


@require_safe
def area_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The areas by habitat."""
    asked = _checked(request)
    rows = areas_by_habitat(asked["vintage"], asked["place"])
    header = [_("code"), _("habitat"), _("area (ha)"), _("share (%)"), _("polygons")]
    lines = (
        [
            row["habitat_type"].code,
            row["habitat_type"].label,
            round(row["area_m2"] / M2_PER_HA, 2),
            round(row["share"] * 100, 2),
            row["polygon_count"],
        ]
        for row in rows
    )
    return csv_response(f"habitats-{asked['vintage'].year}.csv", header, lines)


@require_safe
def polygon_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The polygons of the filters, all of them."""
    form = _filters(request)
    asked = _checked(request, form)
    header = [
        _("polygon"),
        _("version"),
        _("code"),
        _("habitat"),
        _("area (ha)"),
        _("confidence (%)"),
        _("first runner-up"),
        _("its share (%)"),
        _("second runner-up"),
        _("its share (%)"),
    ]
    polygons = form.polygons(request.GET.get("sort", DEFAULT_SORT)).defer("geometry", "geometry_3857")
    return csv_response(f"polygones-{asked['vintage'].year}.csv", header, _polygon_lines(polygons.iterator(5000)))


def _polygon_lines(polygons: Iterator[Polygon]) -> Iterator[list[Any]]:
    for polygon in polygons:
        yield [
            polygon.number,
            polygon.version,
            polygon.habitat_type.code,
            polygon.habitat_type.label,
            round(polygon.area_m2 / M2_PER_HA, 4),
            polygon.confidence,
            polygon.runner_up_1.code if polygon.runner_up_1 else "",
            polygon.runner_up_1_share,
            polygon.runner_up_2.code if polygon.runner_up_2 else "",
            polygon.runner_up_2_share,
        ]


def _filters(request: HttpRequest) -> PolygonFilterForm:
    return PolygonFilterForm(request.GET, vintages=vintages_visible_to(request.user, on=timezone.localdate()))


def _checked(request: HttpRequest, form: PolygonFilterForm | None = None) -> dict[str, Any]:
    """The filters of a download, or an error that names what is wrong."""
    form = form or _filters(request)
    if not form.is_valid():
        raise InvalidFieldsError(_("The filters are wrong."), fields={k: v[0] for k, v in form.errors.items()})
    if form.cleaned_data["vintage"] is None:
        raise InvalidFieldsError(_("No vintage is published yet: there is nothing to download."))
    return form.cleaned_data
