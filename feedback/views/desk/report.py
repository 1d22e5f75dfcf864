"""The page of one report at the desk, and the parts of it that are asked apart."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bioccia.errors import BiocciaError
from feedback.forms.desk import DecisionForm, Scope, WordsForm, legend_types, read_outline
from feedback.models import Report
from feedback.queries import reports_visible_to, second_signature_reasons, timeline_of
from feedback.queries.surroundings import Change, changes_of
from feedback.states import (
    REASONS_OF_OUTCOME,
    RESULTS_OF_OUTCOME,
    DecisionResult,
    ReasonCode,
    ReportState,
    SecondSignature,
)
from feedback.views.desk.drawing import map_of
from feedback.views.desk.queue import asked_of, beside, query_of
from feedback.views.desk.replies import reply_texts
from feedback.views.desk.sheet import DeskSheet
from habitats.models import HabitatType
from territories.permissions import SignedInRequest


@require_safe
@login_required
@never_cache
def report_page(request: SignedInRequest, pk: int) -> HttpResponse:
    """One report with everything that a decision needs."""
    return render_sheet(request, report_of(request, pk))


def report_of(request: SignedInRequest, pk: int) -> Report:
    """A report of the desk of the person, with what its page names.

    Raises:
        Http404: it is not theirs to know.
    """
    asked_of(request)
    return get_object_or_404(_with_names(reports_visible_to(request.user, timezone.localdate())), pk=pk)


def _with_names(reports: QuerySet[Report]) -> QuerySet[Report]:
    named = ("round__region", "author", "organisation", "commune", "proposed_type__legend_entry", "locked_by", "master")
    heavy = ("commune__geometry", "commune__geometry_3857", "round__region__footprint")
    prefetched = ("polygons__type_seen__legend_entry", "messages__author", "attachments")
    return reports.select_related(*named, "vintage__version").defer(*heavy).prefetch_related(*prefetched)


def render_sheet(
    request: SignedInRequest,
    report: Report,
    *,
    form: DecisionForm | None = None,
    words: WordsForm | None = None,
    error: BiocciaError | None = None,
    moved: list[dict[str, Any]] | None = None,
) -> HttpResponse:
    """The page; after a refusal, with what was typed, what went wrong and what moved meanwhile."""
    sheet = DeskSheet(report, request.user, timezone.now())
    if form is None and sheet.can_propose:
        form = first_form(sheet)
    context = {
        "sheet": sheet,
        "report": report,
        "form": form,
        "words": words,
        "error": error,
        "moved": moved,
        "map": map_of(sheet),
        "choices": choices_of_form(),
        "timeline": timeline_of(report),
        "beside": beside(request, report.pk),
        "query": query_of(request.GET),
    }
    failed = error.status if error else 422 if (form and form.errors) or (words and words.errors) else 200
    return render(request, "feedback/desk_report.html", context, status=failed)


def first_form(sheet: DeskSheet) -> DecisionForm:
    """The form as it opens: what the author proposes, on what the author drew or pointed at."""
    report = sheet.report
    return DecisionForm(
        report=report,
        corrections=sheet.corrections,
        initial={
            "to_type": report.proposed_type_id,
            "scope": Scope.AUTHOR if report.is_drawn else Scope.POLYGONS,
            "seen": sheet.seen,
        },
    )


def choices_of_form() -> dict[str, Any]:
    """Which results and reasons go with each decision, and the texts of replies: the table of states, for scripts."""
    return {
        "results": {str(outcome): [str(each) for each in results] for outcome, results in RESULTS_OF_OUTCOME.items()},
        "reasons": {str(outcome): [str(each) for each in reasons] for outcome, reasons in REASONS_OF_OUTCOME.items()},
        "replies": reply_texts(),
        "corrects": str(ReportState.ACCEPTED),
        "fixed": str(ReportState.ALREADY_FIXED),
        "result_words": {str(result): str(result.label) for result in DecisionResult},
        "reason_words": {str(reason): str(reason.label) for reason in ReasonCode},
    }


@require_POST
@login_required
def effect(request: SignedInRequest, pk: int) -> HttpResponse:
    """What the form as it stands would do: areas by habitat, and why a second signature would be needed."""
    report = report_of(request, pk)
    to_type = legend_types().filter(pk=_number(request.POST.get("to_type"))).first()
    outcome = request.POST.get("outcome")
    context: dict[str, Any] = {"asked": bool(outcome), "corrects": outcome == ReportState.ACCEPTED}
    try:
        outline = _asked_outline(request, report)
        context["changes"] = _changes(request, report, to_type, outline)
    except ValidationError as error:
        outline, context["problem"] = None, error.messages[0]
    if outcome in ReportState.values:
        context["reasons"] = reasons_in_words(
            second_signature_reasons(report, to_type=to_type, outcome=outcome, outline=outline)
        )
    return render(request, "feedback/_desk_effect.html", context)


def _asked_outline(request: SignedInRequest, report: Report) -> Any:
    scope = request.POST.get("scope")
    if scope == Scope.AUTHOR and report.is_drawn:
        return report.geometry
    text = request.POST.get("outline", "")
    return read_outline(text) if scope == Scope.DRAWN and text else None


def _changes(
    request: SignedInRequest, report: Report, to_type: HabitatType | None, outline: Any
) -> list[Change] | None:
    """The changes; None while the form does not say enough."""
    waits_for_outline = request.POST.get("scope") == Scope.DRAWN and outline is None
    if to_type is None or waits_for_outline or request.POST.get("outcome") != ReportState.ACCEPTED:
        return None
    return changes_of(report, to_type=to_type, outline=outline)


def reasons_in_words(reasons: list[str]) -> list[str]:
    """Why a second signature is needed, as people read it."""
    return [str(SecondSignature(reason).label) for reason in reasons]


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
