"""The author's own reports: the list, one report with its thread, what it changed, and what may still be done."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bioccia.errors import BiocciaError, InvalidFieldsError
from feedback import actions
from feedback.forms.reports import AnswerForm, AppealForm, PhotoForm
from feedback.models import Report
from feedback.permissions import may_read
from feedback.queries import counts_by_state, my_reports, rounds_for
from feedback.queries.reviewers import GROUPS, deadline_of, rounds_ahead
from feedback.states import ReportState
from feedback.views.problems import problem
from feedback.views.report_page import places_map, report_context
from feedback.views.standing import standing_of
from feedback.views.tags import tag_of_report
from territories.permissions import SignedInRequest

PER_PAGE = 25
GROUP_NAMES = {
    "": gettext_lazy("All"),
    "mine": gettext_lazy("Wait for you"),
    "waiting": gettext_lazy("Wait for an answer"),
    "kept": gettext_lazy("Kept"),
    "not_kept": gettext_lazy("Not kept"),
}


@never_cache
@login_required
@require_safe
def report_list(request: SignedInRequest) -> HttpResponse:
    """My reports, the latest move first, with where the rounds stand."""
    at = timezone.now()
    # The small map draws the places of the page.
    mine = my_reports(request.user).defer(None).defer("commune__geometry", "commune__geometry_3857")
    counts = counts_by_state(mine)
    group = request.GET.get("group", "")
    shown = mine.filter(state__in=GROUPS[group]) if group in GROUPS else mine
    page = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    rounds = [*rounds_for(request.user, at), *rounds_ahead(request.user, at)]
    context = {
        "page": page,
        "group": group if group in GROUPS else "",
        "groups": [(key, name, _count(counts, key)) for key, name in GROUP_NAMES.items()],
        "total": sum(counts.values()),
        "lines": [_line(report) for report in page],
        "standings": [standing_of(round_, at) for round_ in rounds],
        "places": places_map(list(page)),
    }
    return render(request, "feedback/my_reports.html", context)


def _count(counts: Any, group: str) -> int:
    return sum(number for state, number in counts.items() if not group or state in GROUPS[group])


def _line(report: Report) -> dict[str, Any]:
    return {"report": report, "kind": tag_of_report(report.state), "deadline": deadline_of(report)}


@never_cache
@login_required
@require_safe
def report_page(request: SignedInRequest, pk: int) -> HttpResponse:
    """One report; a draft opens in its form."""
    report = _readable(request, pk)
    if report.state == ReportState.DRAFT:
        return redirect("feedback:contest-draft", pk=report.pk)
    return render(request, "feedback/report.html", report_context(request, report))


def _readable(request: SignedInRequest, pk: int) -> Report:
    reports = Report.objects.select_related(
        "round__territory", "author", "organisation", "commune", "proposed_type", "vintage", "master", "release"
    )
    report = get_object_or_404(reports, pk=pk)
    if not may_read(request.user, report, timezone.localdate()):
        raise Http404
    return report


def _mine(request: SignedInRequest, pk: int) -> Report:
    return get_object_or_404(Report.objects.of_author(request.user.pk), pk=pk)


@require_POST
@login_required
def answer(request: SignedInRequest, pk: int) -> HttpResponse:
    """Answer the question of the desk."""
    form = AnswerForm(request.POST)
    report = _mine(request, pk)

    def send() -> None:
        actions.answer_question(report=report, by=request.user, text=form.cleaned_data["text"], at=timezone.now())

    return _do(request, report, form, send, done=_("Answer sent: the report is back with the desk."))


@require_POST
@login_required
def appeal(request: SignedInRequest, pk: int) -> HttpResponse:
    """Ask the appeal panel."""
    form = AppealForm(request.POST)
    report = _mine(request, pk)

    def send() -> None:
        words = form.cleaned_data["new_evidence"]
        actions.appeal_report(report=report, by=request.user, new_evidence=words, at=timezone.now())

    return _do(request, report, form, send, done=_("Appeal sent to the panel: people who did not decide before."))


def _do(request: SignedInRequest, report: Report, form: Any, send: Any, *, done: str) -> HttpResponse:
    """Send a valid form and go back to the report; else show the report with what was typed and why it is refused."""
    status = 422
    if form.is_valid():
        try:
            send()
        except BiocciaError as error:
            status = error.status
            form.add_error(None, str(error.detail))
        else:
            messages.success(request, done)
            return redirect("feedback:report", pk=report.pk)
    context = report_context(request, _readable(request, report.pk), **{form.name_in_page: form})
    return render(request, "feedback/report.html", context, status=status)


@require_POST
@login_required
def withdraw(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take a report back."""
    report = _mine(request, pk)
    try:
        actions.withdraw_report(report=report, by=request.user, at=timezone.now())
    except BiocciaError as error:
        messages.error(request, str(error.detail))
    else:
        messages.success(request, _("Report %(report)s is withdrawn.") % {"report": report})
    return redirect("feedback:report", pk=report.pk)


@require_POST
@login_required
def photos(request: SignedInRequest, pk: int) -> HttpResponse:
    """Add a photograph: the list of them for a script, the page again for a plain form."""
    report = _mine(request, pk)
    form = PhotoForm(request.POST, request.FILES)
    by_script = request.headers.get("HX-Request") == "true"
    try:
        if not form.is_valid():
            raise InvalidFieldsError(form.errors["photo"][0], fields={"photo": form.errors["photo"][0]})
        actions.attach_file(report=report, upload=form.cleaned_data["photo"], by=request.user, at=timezone.now())
    except BiocciaError as error:
        if by_script:
            return problem(error)
        messages.error(request, str(error.detail))
        return redirect("feedback:report", pk=report.pk)
    if by_script:
        return render(request, "feedback/_report_photos.html", {"report": report})
    messages.success(request, _("The photograph is kept; the position that it may hold was removed."))
    return redirect("feedback:report", pk=report.pk)
