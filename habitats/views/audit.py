"""The audit samples for everybody: which were drawn, by what seed and hash, and, once opened, what they say."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bioccia.errors import BiocciaError
from habitats import actions
from habitats.forms.audit import DrawForm
from habitats.models import AuditLabel, AuditSample, HabitatType, Vintage
from habitats.queries import region_or_error, types_of_codes
from habitats.queries.audit import (
    facts_of,
    labelling_counts,
    opened_document,
    reference_rows,
    require_opened,
    waiting_points,
)
from habitats.states import AuditState, VintageState
from habitats.views.spreadsheet import csv_response
from territories.permissions import SignedInRequest, may_everywhere

PER_PAGE = 50
STATE_TAGS = {
    AuditState.DRAWN: "wait",
    AuditState.LABELLING: "live",
    AuditState.CLOSED: "wait",
    AuditState.OPENED: "good",
}


@require_safe
@never_cache
def audit_list(request: HttpRequest) -> HttpResponse:
    """Every draw, the latest first, with its result once opened."""
    return _list(request, _draw_form(request))


def _list(request: HttpRequest, form: DrawForm | None, status: int = 200) -> HttpResponse:
    interprets = may_everywhere(request.user, "interpret", on=timezone.localdate())
    rows = []
    for audit in AuditSample.objects.select_related("region"):
        row: dict[str, Any] = {"audit": audit, "tag": STATE_TAGS[AuditState(audit.state)]}
        if interprets and audit.state in (AuditState.DRAWN, AuditState.LABELLING):
            row["waiting"] = waiting_points(audit, request.user).count()  # type: ignore[arg-type]
        rows.append(row)
    context = {"rows": rows, "form": form, "interprets": interprets}
    return render(request, "habitats/audit_list.html", context, status=status)


@require_safe
@never_cache
def audit_page(request: HttpRequest, year: int, number: int) -> HttpResponse:
    """One draw: its design; how far its labelling is, for who releases; its figures, once opened."""
    audit = _audit(year, number)
    context: dict[str, Any] = {"audit": audit, "tag": STATE_TAGS[AuditState(audit.state)], "strata": _strata(audit)}
    if may_everywhere(request.user, "release", on=timezone.localdate()) and not audit.is_opened:
        context |= {"counts": labelling_counts(audit), "vintage": _vintage_to_open(audit)}
    if audit.assessment:
        types = types_of_codes({*audit.assessment["classes"], *audit.assessment["parents"]})
        context["classes"] = _class_rows(audit.assessment["classes"], types)
        context["parents"] = _class_rows(audit.assessment["parents"], types)
    return render(request, "habitats/audit_page.html", context)


def _strata(audit: AuditSample) -> list[dict[str, Any]]:
    """Each stratum with its area (m²), its points, and how many cells a point stands for."""
    cells, points = audit.design["cells"], audit.design["points"]
    return [
        {"name": name, "area_m2": area, "points": points[name], "one_in": cells[name] / points[name]}
        for name, area in sorted(audit.strata_areas.items())
    ]


def _class_rows(figures: dict[str, Any], types: dict[str, HabitatType]) -> list[dict[str, Any]]:
    """Figures by class; one that is not assessable is None, for the page to say so."""
    names = ("users_accuracy", "producers_accuracy", "area")
    return [
        {
            **row,
            **{name: row[name] if isinstance(row[name], dict) else None for name in names},
            "code": code,
            "type": types.get(code),
        }
        for code, row in figures.items()
    ]


def _vintage_to_open(audit: AuditSample) -> Vintage | None:
    working = Vintage.objects.filter(region=audit.region, year=audit.year, state=VintageState.WORKING)
    return working.first() if audit.state == AuditState.CLOSED else None


@require_safe
def audit_json(_request: HttpRequest, year: int, number: int) -> JsonResponse:
    """What is public at once, as a file; with the assessment, once opened."""
    audit = _audit(year, number)
    facts = {**facts_of(audit), "sha256": audit.sha256, "drawn_at": audit.drawn_at.isoformat(), "state": audit.state}
    if audit.is_opened:
        facts |= {"opened_at": audit.opened_at.isoformat(), "secret": audit.secret, "assessment": audit.assessment}  # type: ignore[union-attr]
    return JsonResponse(facts, json_dumps_params={"ensure_ascii": False, "indent": 2, "sort_keys": True})


@require_safe
def audit_document(_request: HttpRequest, year: int, number: int) -> HttpResponse:
    """The text whose SHA-256 was published before mapping; sealed until the opening."""
    audit = _audit(year, number)
    return HttpResponse(
        opened_document(audit),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="audit-{audit}.json"'},
    )


@require_safe
def audit_points(request: HttpRequest, year: int, number: int) -> HttpResponse:
    """The points with what the map and people say of each; sealed until the opening."""
    audit = _audit(year, number)
    require_opened(audit)
    page = Paginator(reference_rows(audit), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "habitats/audit_points.html", {"audit": audit, "page": page})


@require_safe
def audit_csv(_request: HttpRequest, year: int, number: int) -> StreamingHttpResponse:
    """All the points, for a spreadsheet; sealed until the opening."""
    audit = _audit(year, number)
    require_opened(audit)
    header = [
        _("point"),
        _("longitude"),
        _("latitude"),
        _("easting (m)"),
        _("northing (m)"),
        _("stratum"),
        _("inclusion probability"),
        _("code on the map"),
        _("reference code"),
        _("reference habitat"),
        _("first label"),
        _("second label"),
        _("arbitration"),
    ]
    return csv_response(f"audit-{audit}.csv", header, _point_lines(audit))


def _point_lines(audit: AuditSample) -> Iterator[list[Any]]:
    for row in reference_rows(audit):
        point, reference = row["point"], row["reference"]
        blind = [_code(label) for label in row["labels"] if not label.is_arbitration]
        yield [
            point.number,
            round(point.point.x, 6),
            round(point.point.y, 6),
            point.x,
            point.y,
            point.stratum,
            point.inclusion_probability,
            point.map_type.code if point.map_type else "",
            reference.code if reference else "",
            reference.label if reference else _("not interpretable"),
            *blind,
            next((_code(label) for label in row["labels"] if label.is_arbitration), ""),
        ]


def _code(label: AuditLabel) -> str:
    return label.habitat_type.code if label.habitat_type else "?"


@require_POST
@login_required
def draw(request: SignedInRequest) -> HttpResponse:
    """Draw the sample of a year."""
    form = _draw_form(request)
    if form is None or not form.is_valid():
        return _list(request, form, status=422 if form else 403)
    asked = form.cleaned_data
    try:
        audit = actions.draw_audit_sample(region=region_or_error(), by=request.user, at=timezone.now(), **asked)
    except BiocciaError as error:
        form.add_error(None, str(error.detail))
        return _list(request, form, status=error.status)
    messages.success(
        request, _("Audit sample %(audit)s is drawn. Its seed and its hash are public now.") % {"audit": audit}
    )
    return redirect("habitats:audit", year=audit.year, number=audit.number)


def _draw_form(request: HttpRequest) -> DrawForm | None:
    """For who releases, where a year with images has neither a map nor a draw."""
    if not may_everywhere(request.user, "release", on=timezone.localdate()):
        return None
    taken = {*AuditSample.objects.values_list("year", flat=True), *Vintage.objects.values_list("year", flat=True)}
    years = [year for year in region_or_error().years if year not in taken]
    return DrawForm(request.POST or None, years=years) if years else None


@require_POST
@login_required
def close(request: SignedInRequest, year: int, number: int) -> HttpResponse:
    """End the labelling."""
    audit = _audit(year, number)
    try:
        actions.close_labelling(audit=audit, by=request.user, at=timezone.now())
    except BiocciaError as error:
        messages.error(request, str(error.detail))
    else:
        messages.success(request, _("The labelling is closed."))
    return redirect("habitats:audit", year=year, number=number)


def _audit(year: int, number: int) -> AuditSample:
    return get_object_or_404(AuditSample.objects.select_related("region", "vintage"), year=year, number=number)
