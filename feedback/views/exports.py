"""Reports as a table for spreadsheets: what the desk takes along to a meeting."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bioccia.errors import NotAllowedError
from feedback.models import Report
from feedback.queries.reports import READING_RIGHTS, reports_visible_to
from habitats.views.spreadsheet import csv_response
from territories.permissions import SignedInRequest, may

CHUNK = 500


@login_required
@require_safe
def reports_table(request: SignedInRequest) -> StreamingHttpResponse:
    """The reports that were sent from the places where the person decides or releases; `?round=` for one round."""
    today = timezone.localdate()
    if not any(may(request.user, right, on=today) for right in READING_RIGHTS):
        raise NotAllowedError(_("Only people who decide on reports take them along as a table."))
    reports = reports_visible_to(request.user, today).filter(submitted_at__isnull=False).order_by("pk")
    name = "".join(sign for sign in request.GET.get("round", "") if sign.isalnum() or sign in "-_")
    if name:
        reports = reports.filter(round__key=name)
    return csv_response(f"reports-{name or today.isoformat()}.csv", _header(), _rows(reports))


def _header() -> list[Any]:
    return [
        _("number"),
        _("round"),
        _("state"),
        _("sent at"),
        _("due on"),
        _("commune"),
        _("organisation"),
        _("author"),
        _("polygons"),
        _("habitat seen"),
        _("habitat proposed"),
        _("what is wrong"),
        _("evidence"),
        _("observed on"),
        _("area (ha)"),
        _("comment"),
    ]


def _rows(reports: QuerySet[Report]) -> Iterator[list[Any]]:
    for report in reports.prefetch_related("polygons__type_seen").iterator(chunk_size=CHUNK):
        seen = report.polygons.all()
        yield [
            report.pk,
            report.round.key,
            report.get_state_display(),
            report.submitted_at and timezone.localtime(report.submitted_at).strftime("%Y-%m-%d %H:%M"),
            report.due_on,
            report.commune.name if report.commune else "",
            report.organisation.name if report.organisation else "",
            report.author.full_name,
            " ".join(str(polygon.number) for polygon in seen),
            " ".join(sorted({polygon.type_seen.code for polygon in seen})),
            report.proposed_type.code if report.proposed_type else "",
            report.get_error_type_display(),
            report.get_evidence_type_display(),
            report.observed_on,
            round(report.area_m2 / 10_000, 2),
            report.comment,
        ]
