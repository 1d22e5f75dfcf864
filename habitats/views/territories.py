"""The sheet of a territory: its habitats, how they changed, its species."""

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bioccia.errors import InvalidFieldsError
from habitats.forms.vintages import VintagePairForm
from habitats.queries import vintages_visible_to
from habitats.views.spreadsheet import csv_response
from habitats.views.territory_sheet import (
    TerritorySheet,
    locator_settings,
    map_address,
    place_words,
    related_places,
    table_lines,
)
from species.queries import taxa_of_commune
from territories.models import Territory
from territories.queries import narrowest_kind


@require_safe
def territory_page(request: HttpRequest, kind: str, code: str) -> HttpResponse:
    """The sheet, of the vintages that the person may see."""
    territory = _territory(kind, code)
    form = _form(request)
    sheet = _sheet(territory, form)
    context: dict[str, Any] = {
        "territory": territory,
        "form": form,
        "sheet": sheet,
        "ancestors": territory.ancestors_and_self()[1:],
        "related": related_places(territory),
        "place": place_words(territory),
        "taxa": taxa_of_commune(territory) if territory.kind == narrowest_kind() else [],
    }
    if sheet is not None:
        context["locator"] = locator_settings(territory, sheet.vintage)
        context["map_address"] = map_address(territory, sheet.vintage)
    return render(request, "habitats/territory.html", context, status=200 if form.is_valid() else 404)


@require_safe
def territory_csv(request: HttpRequest, kind: str, code: str) -> StreamingHttpResponse:
    """The same figures as a table to download."""
    sheet = _sheet(_territory(kind, code), _form(request))
    if sheet is None:
        raise InvalidFieldsError(_("No vintage is published yet: there is nothing to download."))
    header = [
        _("code"),
        _("habitat"),
        _("stake"),
        _("area %(year)s (ha)") % {"year": sheet.vintage.year},
        _("share (%)"),
        _("confidence (%)"),
        _("area %(year)s (ha)") % {"year": sheet.earlier.year} if sheet.earlier else _("area before (ha)"),
        _("difference (ha)"),
    ]
    return csv_response(f"habitats-{kind}-{code}-{sheet.vintage.year}.csv", header, table_lines(sheet))


def _territory(kind: str, code: str) -> Territory:
    """The territory with those above it, of which only the names are read."""
    above = ("parent", "epci", "parent__parent", "epci__parent")
    unread = [f"{place}__{outline}" for place in above for outline in ("geometry", "geometry_3857")]
    return get_object_or_404(Territory.objects.select_related(*above).defer(*unread), kind=kind, code=code)


def _form(request: HttpRequest) -> VintagePairForm:
    return VintagePairForm(request.GET, visible=vintages_visible_to(request.user, on=timezone.localdate()))


def _sheet(territory: Territory, form: VintagePairForm) -> TerritorySheet | None:
    """The sheet; None where no vintage can be shown, or where the one asked for is not for this person."""
    if not form.is_valid():
        return None
    vintage, earlier = form.pair()
    return None if vintage is None else TerritorySheet(territory, vintage, earlier)
