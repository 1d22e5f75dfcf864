"""What people do with a report at the desk: each is one action, answered by the page of the report."""

import datetime
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.gis.geos import GEOSGeometry
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bioccia.errors import BiocciaError, StateForbidsError
from feedback import actions
from feedback.forms.desk import DecisionForm, MasterForm, WordsForm
from feedback.models import Report
from feedback.queries.reports import reports_visible_to
from feedback.queries.surroundings import corrections_at, pieces_decided
from feedback.states import DecisionResult, ReasonCode, ReportState
from feedback.views.desk.queue import address
from feedback.views.desk.report import render_sheet, report_of
from feedback.views.desk.sheet import DeskSheet, what_moved
from territories.permissions import SignedInRequest

# The words of actions for what the form calls otherwise.
FIELD_OF_FACT = {"correction": "fixed_by", "outline": "scope", "seen": "scope"}
Act = Callable[[Report, datetime.datetime], Any]


@require_POST
@login_required
def take(request: SignedInRequest, pk: int) -> HttpResponse:
    """Hold the report, so that nobody else decides it meanwhile."""
    return _answer(request, pk, lambda report, at: actions.take_report(report=report, by=request.user, at=at))


@require_POST
@login_required
def let_go(request: SignedInRequest, pk: int) -> HttpResponse:
    """Give the report back to the queue."""
    said = _("The report is back in the queue.")
    return _answer(request, pk, lambda report, at: actions.let_go(report=report, by=request.user, at=at), said)


@require_POST
@login_required
def renew(request: SignedInRequest, pk: int) -> JsonResponse:
    """Hold the report longer; answers until when, or who holds it now."""
    report = report_of(request, pk)
    try:
        held = actions.renew_lock(report=report, by=request.user, at=timezone.now())
    except BiocciaError as error:
        return JsonResponse({"said": str(error.detail)}, status=error.status)
    return JsonResponse({"until": held.locked_until})


@require_POST
@login_required
def ask_author(request: SignedInRequest, pk: int) -> HttpResponse:
    """Put a question to the author; the clock rests until they answer."""

    def ask(report: Report, at: datetime.datetime, text: str) -> None:
        actions.ask_author(report=report, by=request.user, question=text, at=at)

    return _answer_with_words(request, pk, ask, _("The question is sent; the report comes back with its answer."))


@require_POST
@login_required
def send_to_field(request: SignedInRequest, pk: int) -> HttpResponse:
    """Images cannot tell: a point of the next field campaign will."""
    said = _("The report waits for a field visit.")
    return _answer(request, pk, lambda report, at: actions.send_to_field(report=report, by=request.user, at=at), said)


@require_POST
@login_required
def propose(request: SignedInRequest, pk: int) -> HttpResponse:
    """Propose a decision; sign it in the same breath where one signature is enough and the button says so."""
    report = report_of(request, pk)
    sheet = DeskSheet(report, request.user, timezone.now())
    form = DecisionForm(request.POST, report=report, corrections=sheet.corrections)
    if not form.is_valid():
        return render_sheet(request, report, form=form)
    at = timezone.now()
    try:
        proposed = actions.propose_decision(report=report, proposal=_proposal_of(form, report), by=request.user, at=at)
        if "sign" in request.POST and _needs_one_signature(proposed):
            proposed = actions.sign_decision(report=proposed, by=request.user, at=at)
    except BiocciaError as error:
        return _refused(request, pk, form, error)
    if proposed.state == ReportState.IN_REVIEW:
        return _refused(request, pk, form, StateForbidsError(_("The decision was not kept: the map moved meanwhile.")))
    messages.success(request, _said_of(proposed))
    return redirect(address("feedback:desk-report", request, pk))


def _proposal_of(form: DecisionForm, report: Report) -> actions.Proposal:
    asked = form.cleaned_data
    outline = form.decided_outline()
    return actions.Proposal(
        outcome=ReportState(asked["outcome"]),
        result=DecisionResult(asked["result"]),
        reason_code=ReasonCode(asked["reason_code"]),
        reply=asked["reply"],
        to_type=asked["to_type"] if form.corrects else None,
        outline=outline,
        seen=_seen_of(dict(asked["seen"]), report, outline),
        correction=corrections_at(report).filter(pk=asked["fixed_by"]).first() if asked["fixed_by"] else None,
    )


def _seen_of(shown: dict[int, int], report: Report, outline: GEOSGeometry | None) -> tuple[tuple[int, int], ...]:
    """The versions that the page showed of the polygons that the decision is about.

    A contested polygon that left the map before the page was opened is not about anything any more; one that left it
    since is a change that the decision must meet.
    """
    about = {piece.polygon.number: piece.polygon.version for piece in pieces_decided(report, outline)}
    contested = {line.number for line in report.polygons.all()} if outline is None else set()
    gone = {number: version for number, version in shown.items() if number in contested and number not in about}
    return tuple({**{number: shown.get(number, version) for number, version in about.items()}, **gone}.items())


def _needs_one_signature(report: Report) -> bool:
    waiting = report.decisions.filter(signed_at__isnull=True, sent_back_at__isnull=True).last()
    return waiting is not None and not waiting.second_signature


def _refused(request: SignedInRequest, pk: int, form: DecisionForm, error: BiocciaError) -> HttpResponse:
    """The page as it stands now, with the text as it was typed; the polygons that moved are named."""
    report = report_of(request, pk)
    moved = what_moved(form.cleaned_data["seen"], report)
    sheet = DeskSheet(report, request.user, timezone.now())
    form.data = {**{name: form.data[name] for name in form.data}, "seen": sheet.seen}
    for name, sentence in error.fields.items():
        form.add_error(FIELD_OF_FACT.get(name, name if name in form.fields else None), sentence)
    return render_sheet(request, report, form=form, error=error, moved=moved)


def _said_of(report: Report) -> str:
    if report.state == ReportState.IN_REVIEW:
        return _("The map moved since this was proposed: the report is in review again, and nothing was changed.")
    if report.state == ReportState.DECISION_PROPOSED:
        return _("The decision is proposed. It waits for a signature.")
    return _("Decided: %(state)s. The author reads your reply.") % {"state": report.get_state_display()}


@require_POST
@login_required
def sign(request: SignedInRequest, pk: int) -> HttpResponse:
    """Sign the proposal: what it says is done."""

    def act(report: Report, at: datetime.datetime) -> None:
        signed = actions.sign_decision(report=report, by=request.user, at=at)
        say = messages.warning if signed.state == ReportState.IN_REVIEW else messages.success
        say(request, _said_of(signed))

    return _answer(request, pk, act)


@require_POST
@login_required
def send_back(request: SignedInRequest, pk: int) -> HttpResponse:
    """Refuse the proposal with a reason: the report goes back to review."""

    def act(report: Report, at: datetime.datetime, text: str) -> None:
        actions.sign_decision(report=report, by=request.user, at=at, agrees=False, reason=text)

    return _answer_with_words(request, pk, act, _("The proposal went back to review with your reason."))


@require_POST
@login_required
def merge(request: SignedInRequest, pk: int) -> HttpResponse:
    """Join the report to another that says the same."""
    form = MasterForm(request.POST, reports=reports_visible_to(request.user, timezone.localdate()))
    if not form.is_valid():
        messages.error(request, _("Choose the report to join this one to."))
        return redirect(address("feedback:desk-report", request, pk))
    master = form.cleaned_data["master"]
    said = _("The report is joined to no. %(number)s; its author follows that one.") % {"number": master.pk}

    def act(report: Report, at: datetime.datetime) -> None:
        actions.merge_report(report=report, master=master, by=request.user, at=at)

    return _answer(request, pk, act, said)


@require_POST
@login_required
def revert(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take an accepted correction back, by another one."""

    def act(report: Report, at: datetime.datetime, text: str) -> None:
        actions.revert_report(report=report, by=request.user, reason=text, at=at)

    return _answer_with_words(request, pk, act, _("The correction is taken back, and its sample is retired."))


def _answer(
    request: SignedInRequest, pk: int, act: Act, said: str = "", *, words: WordsForm | None = None
) -> HttpResponse:
    """Do it and show the page again; where it is refused, say why on the page as it stands, with what was typed."""
    report = report_of(request, pk)
    try:
        act(report, timezone.now())
    except BiocciaError as error:
        return render_sheet(request, report_of(request, pk), words=words, error=error)
    if said:
        messages.success(request, said)
    return redirect(address("feedback:desk-report", request, pk))


def _answer_with_words(
    request: SignedInRequest, pk: int, act: Callable[[Report, datetime.datetime, str], None], said: str
) -> HttpResponse:
    """The same for a move that goes with a sentence."""
    words = WordsForm(request.POST)
    if not words.is_valid():
        return render_sheet(request, report_of(request, pk), words=words)
    text = words.cleaned_data["text"]
    return _answer(request, pk, lambda report, at: act(report, at, text), said, words=words)
