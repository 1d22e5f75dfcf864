"""What the map of the contestation asks: the polygon under a click, those around a place."""

from django.contrib.auth.decorators import login_required
from django.contrib.gis.db.models.functions import GeometryDistance
from django.contrib.gis.geos import Point
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bioccia.errors import BiocciaError
from feedback.forms.reports import PolygonQuestionForm
from feedback.queries import rounds_for
from feedback.queries.ground import contested_vintage
from feedback.views.contest_page import ChosenPolygon, shown_polygons, stake_rank
from feedback.views.contest_submission import polygon_asked
from feedback.views.problems import problem
from territories.permissions import SignedInRequest

MOST_NEAR = 10


@never_cache
@login_required
@require_safe
def polygon_line(request: SignedInRequest) -> HttpResponse:
    """The line of one polygon for the list, or why it cannot be contested."""
    at = timezone.now()
    form = PolygonQuestionForm(request.GET, rounds=rounds_for(request.user, at))
    try:
        polygon = polygon_asked(form, request, at)
    except BiocciaError as error:
        return problem(error)
    line = ChosenPolygon(polygon, stake_rank(polygon))
    return render(request, "feedback/_contest_polygon.html", {"line": line})


@never_cache
@login_required
@require_safe
def polygons_near(request: SignedInRequest) -> HttpResponse:
    """The polygons closest to a position, to choose from without a pointer."""
    form = PolygonQuestionForm(request.GET, rounds=rounds_for(request.user, timezone.now()))
    vintage = contested_vintage(form.cleaned_data["round"]) if form.is_valid() else None
    if vintage is None or form.cleaned_data["lon"] is None or form.cleaned_data["lat"] is None:
        return render(request, "feedback/_contest_near.html", {"polygons": []}, status=422)
    here = Point(form.cleaned_data["lon"], form.cleaned_data["lat"], srid=4326)
    closest = shown_polygons(vintage).order_by(GeometryDistance("geometry", here), "number")[:MOST_NEAR]
    return render(request, "feedback/_contest_near.html", {"polygons": closest})
