"""Search of a commune: a page, and the suggestions of the map's search field."""

from django.contrib.gis.db.models.functions import Envelope
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from bioccia.requests import HtmxRequest
from habitats.forms.places import NameForm
from territories.queries import narrowest_kind, territories_named

SUGGESTIONS = 8
PER_PAGE = 60


@require_safe
def commune_search(request: HtmxRequest) -> HttpResponse:
    """The communes by name; eight suggestions when the map's field asks."""
    form = NameForm(request.GET)
    text = form.cleaned_data["q"] if form.is_valid() else ""
    found = territories_named(text, kind=narrowest_kind())
    if request.htmx:
        context = {"territories": found.annotate(box=Envelope("geometry"))[:SUGGESTIONS] if text else []}
        response = render(request, "habitats/_commune_suggestions.html", context)
    else:
        page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
        response = render(request, "habitats/communes.html", {"form": form, "page": page, "text": text})
    patch_vary_headers(response, ["HX-Request"])
    return response
