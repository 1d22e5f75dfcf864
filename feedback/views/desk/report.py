"""The page of one report at the desk, and the parts of it that are asked apart."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bioccia.errors import BiocciaError
from feedback.forms.desk import DecisionForm, Scope, WordsForm, legend_types, read_outline
from feedback.models import Report
from feedback.queries.reports import reports_visible_to
from feedback.queries.surroundings import Piece, changes_to, pieces_decided, signatures_needed
from feedback.states import REASONS_OF_OUTCOME, RESULTS_OF_OUTCOME, ReportState
from feedback.views.desk.drawing import map_of
from feedback.views.desk.queue import beside, query_of, require_desk
from feedback.views.desk.replies import reply_texts
from feedback.views.desk.sheet import DeskSheet, reasons_in_words
from feedback.views.desk.story import story_of
from habitats.models import HabitatType
from territories.permissions import SignedInRequest

LONGEST_KEY = 18  # digits; what a browser did not send is no number of ours


@require_safe
@login_required
@never_cache
def report_page(request: SignedInRequest, pk: int) -> HttpResponse:
    """One report with everything that a decision needs; its author reads it where authors do."""
    report = report_of(request, pk)
    if report.author_id == request.user.pk:
        return redirect("feedback:report", pk=pk)
    return render_sheet(request, report)


def report_of(request: SignedInRequest, pk: int) -> Report:
    """A report of the desk of the person, with what its page names.

    Raises:
        NotAllowedError: the desk is not for this person.
        Http404: the report is not theirs to know.
    """
    require_desk(request)
    return get_object_or_404(_with_names(reports_visible_to(request.user, timezone.localdate())), pk=pk)


def _with_names(reports: QuerySet[Report]) -> QuerySet[Report]:
    named = ("round__region", "author", "organisation", "commune", "proposed_type__legend_entry", "locked_by", "master")
    heavy = ("commune__geometry", "commune__geometry_3857", "round__region__footprint")
    prefetched = ("polygons__type_seen__legend_entry", "messages__author", "attachments")
    return reports.select_related(*named, "vintage__version").defer(None).defer(*heavy).prefetch_related(*prefetched)


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
    typed = form
    if not sheet.can_propose:
        form = None
    elif form is None:
        form = first_form(sheet)
    context = {
        "sheet": sheet,
        "report": report,
        "form": form,
        "kept": typed.data.get("reply", "") if typed and form is None else "",
        "words": words,
        "error": error,
        "moved": moved,
        "map": map_of(sheet),
        "choices": choices_of_form(),
        "timeline": story_of(report),
        "beside": beside(request, report.pk),
        "query": query_of(request.GET),
    }
    wrong = any(each is not None and each.errors for each in (typed, words))
    status = error.status if error else 422 if wrong else 200
    return render(request, "feedback/desk_report.html", context, status=status)


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
    }


@require_POST
@login_required
def effect(request: SignedInRequest, pk: int) -> HttpResponse:
    """What the form as it stands would do: areas by habitat, and why a second signature would be needed."""
    report = report_of(request, pk)
    outcome = request.POST.get("outcome", "")
    context: dict[str, Any] = {"asked": outcome in ReportState.values, "corrects": outcome == ReportState.ACCEPTED}
    to_type = _asked_type(request) if context["corrects"] else None
    try:
        pieces = _asked_pieces(request, report)
    except ValidationError as error:
        return render(request, "feedback/_desk_effect.html", {"problem": error.messages[0]})
    if to_type is not None and pieces is not None:
        context["changes"] = changes_to(to_type, pieces)
    reasons = signatures_needed(report, to_type=to_type, pieces=pieces or pieces_decided(report, None))
    context["reasons"] = reasons_in_words(reasons)
    return render(request, "feedback/_desk_effect.html", context)


def _asked_type(request: SignedInRequest) -> HabitatType | None:
    text = request.POST.get("to_type", "")
    is_key = text.isascii() and text.isdigit() and len(text) <= LONGEST_KEY
    return legend_types().filter(pk=int(text)).first() if is_key else None


def _asked_pieces(request: SignedInRequest, report: Report) -> list[Piece] | None:
    """The ground that the form is about; None while its outline is not drawn."""
    scope, text = request.POST.get("scope"), request.POST.get("outline", "")
    if scope == Scope.AUTHOR and report.is_drawn:
        return pieces_decided(report, report.geometry)
    if scope == Scope.DRAWN:
        return pieces_decided(report, read_outline(text)) if text else None
    return pieces_decided(report, None)
