"""The contestation: the map with its form, drafts that save themselves, sending."""

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from bioccia.errors import BiocciaError
from feedback.forms.reports import ContestForm, Seen
from feedback.models import Report, Round
from feedback.permissions import may_begin
from feedback.queries import rounds_for
from feedback.queries.reviewers import rounds_ahead
from feedback.states import ReportState
from feedback.views.contest_page import ContestPage
from feedback.views.contest_submission import ContestSubmission
from feedback.views.problems import problem
from feedback.views.standing import standing_of
from territories.permissions import SignedInRequest


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def contest(request: SignedInRequest) -> HttpResponse:
    """A new report, or what the form of one sends: a polygon more or less, a draft, the report itself."""
    at = timezone.now()
    if request.method == "POST":
        return _answer(ContestSubmission(request, at))
    standings = [standing_of(round_, at) for round_ in rounds_for(request.user, at)]
    receiving = [standing.round for standing in standings if standing.receives and not standing.in_grace]
    asked = [round_ for round_ in receiving if _is_asked(round_, request)]
    if not receiving:
        standings += [standing_of(round_, at) for round_ in rounds_ahead(request.user, at)]
        context = {"standings": standings, "may_contest": may_begin(request.user, timezone.localdate(at))}
        return render(request, "feedback/contest_closed.html", context)
    round_ = (asked or receiving)[0]
    form = ContestForm(initial={"client_uuid": uuid4(), "round": round_.key}, rounds=rounds_for(request.user, at))
    page = ContestPage(request, round_, form, seen=(), report=None, at=at)
    return render(request, "feedback/contest.html", page.context(others=_others(receiving, round_)))


def _is_asked(round_: Round, request: SignedInRequest) -> bool:
    """Whether the address names the round, or the year of its map."""
    return round_.key == request.GET.get("round") or str(round_.year) == request.GET.get("year")


def _others(rounds: list[Round], chosen: Round) -> list[Round]:
    return [round_ for round_ in rounds if round_ != chosen]


@never_cache
@login_required
@require_safe
def contest_draft(request: SignedInRequest, pk: int) -> HttpResponse:
    """A draft, to go on with."""
    mine = Report.objects.of_author(request.user.pk).select_related("round__region", "round__territory")
    report = get_object_or_404(mine, pk=pk)
    if report.state != ReportState.DRAFT:
        return redirect("feedback:report", pk=report.pk)
    form = ContestForm(initial=_initial(report), rounds=Round.objects.filter(pk=report.round_id))
    seen = [
        Seen(line.polygon_id or 0, line.version_seen, line.type_seen.code)
        for line in report.polygons.select_related("type_seen")
    ]
    page = ContestPage(request, report.round, form, seen=seen, report=report, at=timezone.now())
    return render(request, "feedback/contest.html", page.context())


def _initial(report: Report) -> dict[str, Any]:
    return {
        "client_uuid": report.client_uuid,
        "round": report.round.key,
        "outline": report.geometry.geojson if report.is_drawn and report.geometry else "",
        "error_type": report.error_type,
        "proposed_type": str(report.proposed_type or ""),
        "evidence_type": report.evidence_type,
        "observed_on": report.observed_on,
        "confidence": report.confidence,
        "comment": report.comment,
        "declares_interest": report.declares_interest,
    }


def _answer(sent: ContestSubmission) -> HttpResponse:
    """Do what the button says; whatever fails, the page comes back with all that was typed."""
    wish = sent.wish
    if wish == "autosave":
        return _autosave(sent)
    if not sent.may_be_read():
        return _page(sent, status=422)
    if wish in ("find", "remove", "choose"):
        sent.change_choice(wish)
        return _page(sent)
    try:
        report = sent.submit() if wish == "submit" else sent.save()
    except BiocciaError as error:
        sent.note(error)
        return _page(sent, status=error.status)
    if not sent.is_whole():
        return _page(sent, status=422)
    if wish == "submit":
        return redirect("feedback:report-sent", pk=report.pk)
    messages.success(sent.request, _("Draft saved. You may come back to it until the round's last day."))
    return redirect("feedback:contest-draft", pk=report.pk)


def _page(sent: ContestSubmission, status: int = 200) -> HttpResponse:
    round_ = sent.round
    if round_ is None:
        return redirect("feedback:contest")
    page = ContestPage(sent.request, round_, sent.form, seen=sent.seen, report=sent.report, at=sent.at)
    context = page.context(find_form=sent.find_form, find_error=sent.find_error, photo_errors=sent.photo_errors)
    return render(sent.request, "feedback/contest.html", context, status=status)


def _autosave(sent: ContestSubmission) -> HttpResponse:
    """Keep what can be kept, and say in JSON what could not."""
    try:
        report = sent.save()
    except BiocciaError as error:
        return problem(error)
    return JsonResponse(
        {
            "report": report.pk,
            "saved_at": date_format(timezone.localtime(sent.at), "H:i"),
            "draft": reverse("feedback:contest-draft", args=[report.pk]),
            "photos": reverse("feedback:report-photos", args=[report.pk]),
            "not_kept": {name: errors[0] for name, errors in sent.form.errors.items()},
        }
    )


@never_cache
@login_required
@require_safe
def report_sent(request: SignedInRequest, pk: int) -> HttpResponse:
    """The receipt: its number, what happens next, and by when."""
    mine = Report.objects.of_author(request.user.pk).select_related("round", "proposed_type", "commune")
    report = get_object_or_404(mine.exclude(state=ReportState.DRAFT), pk=pk)
    earlier = report.near.of_author(request.user.pk).open().order_by("pk").first()
    return render(request, "feedback/report_sent.html", {"report": report, "earlier": earlier})
