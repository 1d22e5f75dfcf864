"""Labelling audit points: one at a time, on images alone; nobody sees the map, the stratum, nor others' labels."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_http_methods, require_safe

from bioccia.errors import BiocciaError
from bioccia.requests import HtmxRequest
from habitats import actions
from habitats.forms.audit import LabelForm, initial_of
from habitats.forms.chips import ChipNameForm
from habitats.models import AuditLabel, AuditPoint, AuditSample
from habitats.queries.audit import own_labels, waiting_points
from habitats.states import AuditState
from habitats.views.chips import answer_picture, answer_strip, square_around
from territories.permissions import SignedInRequest, require_everywhere

# Photographs of the French ground at half a metre, where a person may look closer; they open elsewhere.
ORTHOPHOTO = (
    "https://www.geoportail.gouv.fr/carte?c={lon},{lat}&z=18&l0=ORTHOIMAGERY.ORTHOPHOTOS::GEOPORTAIL:OGC:WMTS(1)"
)
FRENCH_EPSG = 2154


@require_safe
@login_required
@never_cache
def next_point(request: SignedInRequest, year: int, number: int) -> HttpResponse:
    """The first point that waits for the person; else the list of what they labelled."""
    audit = _audit(request, year, number)
    return _to_next(request, audit, after=_number(request.GET.get("after")))


def _to_next(request: SignedInRequest, audit: AuditSample, *, after: int) -> HttpResponse:
    waiting = waiting_points(audit, request.user)
    point = waiting.filter(number__gt=after).first() or waiting.first()
    if point is None:
        return redirect("habitats:audit-own-labels", year=audit.year, number=audit.number)
    return redirect("habitats:audit-label", year=audit.year, number=audit.number, point=point.number)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def label_point(request: SignedInRequest, year: int, number: int, point: int) -> HttpResponse:
    """One point: its images, the habitats to choose from, how sure, a note."""
    audit = _audit(request, year, number)
    place, mine = _point(request, audit, point)
    form = LabelForm(request.POST or None, initial=initial_of(mine))
    if request.method != "POST":
        return _page(request, place, form, mine)
    if not form.is_valid():
        return _page(request, place, form, mine, status=422)
    try:
        actions.label_point(point=place, by=request.user, at=timezone.now(), **form.label())
    except BiocciaError as error:
        form.add_error(None, str(error.detail))
        return _page(request, place, form, mine, status=error.status)
    return _to_next(request, audit, after=place.number)


def _page(
    request: SignedInRequest, point: AuditPoint, form: LabelForm, mine: AuditLabel | None, status: int = 200
) -> HttpResponse:
    audit = point.audit
    done, waiting = own_labels(audit, request.user), waiting_points(audit, request.user)
    before = done.filter(point__number__lt=point.number).last()
    total = done.count() + waiting.count()
    context: dict[str, Any] = {
        "audit": audit,
        "point": point,
        "form": form,
        "mine": mine,
        "place": done.filter(point__number__lte=point.number).count() if mine else done.count() + 1,
        "done": done.count(),
        "total": total,
        "before": before,
        "chips_url": reverse("habitats:audit-chips", args=[audit.year, audit.number, point.number]),
        "orthophoto": _orthophoto(point),
    }
    return render(request, "habitats/audit_label.html", context, status=status)


def _orthophoto(point: AuditPoint) -> str:
    """A closer look, for a real place in France; empty elsewhere."""
    region = point.audit.region
    if region.is_simulated or region.epsg != FRENCH_EPSG:
        return ""
    return ORTHOPHOTO.format(lon=round(point.point.x, 6), lat=round(point.point.y, 6))


@require_safe
@login_required
@never_cache
def own_label_list(request: SignedInRequest, year: int, number: int) -> HttpResponse:
    """The person's own labels, to read again and to correct."""
    audit = _audit(request, year, number)
    context = {
        "audit": audit,
        "labels": own_labels(audit, request.user),
        "waiting": waiting_points(audit, request.user).count(),
        "may_correct": audit.state in (AuditState.DRAWN, AuditState.LABELLING),
    }
    return render(request, "habitats/audit_own_labels.html", context)


@require_safe
@login_required
@cache_control(private=True, max_age=0)
def chip_strip(request: HtmxRequest, year: int, number: int, point: int) -> HttpResponse:
    """The images of a point: its position never stands in an address, which browsers and servers keep."""
    audit = _audit(request, year, number)
    place, _mine = _point(request, audit, point)
    address = reverse("habitats:audit-chip", args=[year, number, point])
    return answer_strip(request, audit.year, square_around(place.point), f"{address}?")


@require_safe
@login_required
@cache_control(private=True, max_age=3600)
def chip(request: SignedInRequest, year: int, number: int, point: int) -> FileResponse:
    """One image of a point."""
    audit = _audit(request, year, number)
    place, _mine = _point(request, audit, point)
    form = ChipNameForm(request.GET)
    if not form.is_valid():
        raise Http404
    return answer_picture(audit.year, square_around(place.point), form)


def _audit(request: HttpRequest, year: int, number: int) -> AuditSample:
    require_everywhere(request.user, "interpret", on=timezone.localdate())
    return get_object_or_404(AuditSample.objects.select_related("region"), year=year, number=number)


def _point(request: HttpRequest, audit: AuditSample, number: int) -> tuple[AuditPoint, AuditLabel | None]:
    """A point that waits for the person, or that they labelled; no other one is theirs to see."""
    mine = AuditLabel.objects.filter(point__audit=audit, point__number=number, interpreter_id=request.user.pk)
    label = mine.select_related("habitat_type").first()
    points = AuditPoint.objects.select_related("audit__region").filter(audit=audit, number=number)
    if label is None:
        points = points.filter(pk__in=waiting_points(audit, request.user).values("pk"))  # type: ignore[arg-type]
    return get_object_or_404(points), label


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 9 else 0
