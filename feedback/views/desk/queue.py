"""The queue: reports to decide, sign or follow on the territory of a person."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bioccia.errors import StateForbidsError
from feedback import actions
from feedback.forms.desk import QueueFilterForm
from feedback.models import Report, Round
from feedback.models.reports import ReportQuerySet
from feedback.states import ReportState
from feedback.views.desk.tabs import CLOSED, TABS, TO_SIGN, Tab, count_by_tab, own_proposals, reports_of, tab_asked
from feedback.views.tags import tag_of_report
from habitats.states import Stake
from territories.permissions import SignedInRequest, may, require

PER_PAGE = 25
# How far "next" and "previous" look; nobody leafs further.
LONGEST_WALK = 2_000
TRIES_TO_TAKE = 5
TAKEABLE = (ReportState.SUBMITTED, ReportState.APPEALED, ReportState.IN_REVIEW)
RIGHTS_OF_THE_DESK = ("decide", "decide_appeal", "release")


@dataclass(frozen=True)
class Line:
    """One row of the queue, with what the page says about it."""

    report: Report
    tag: str
    stake: Any
    is_late: bool
    is_held: bool
    is_mine: bool


@require_safe
@login_required
@never_cache
def desk(request: SignedInRequest) -> HttpResponse:
    """The queue of a tab, filtered by the address."""
    tab, form, reports = asked_of(request)
    page = Paginator(_for_lines(reports), PER_PAGE).get_page(request.GET.get("page"))
    now = timezone.now()
    counts = count_by_tab(request.user, timezone.localdate(now))
    context = {
        "tabs": [{"tab": each, "count": counts[each.key]} for each in TABS],
        "tab": tab,
        "form": form,
        "is_filtered": any(form.data.get(name) for name in form.fields),
        "page": page,
        "lines": [_line(report, request.user.pk, now) for report in page],
        "own_proposals": own_proposals(request.user, timezone.localdate(now)) if tab is TO_SIGN else 0,
        "query": query_of(request.GET),
    }
    return render(request, "feedback/desk.html", context, status=200 if form.is_valid() else 422)


@require_POST
@login_required
def take_next(request: SignedInRequest) -> HttpResponse:
    """Take the first report of the queue that nobody holds."""
    now = timezone.now()
    _tab, _form, reports = asked_of(request)
    takeable = reports.filter(state__in=TAKEABLE).free_at(now)
    for report in takeable.defer("geometry")[:TRIES_TO_TAKE]:
        try:
            actions.take_report(report=report, by=request.user, at=now)
        except StateForbidsError:
            continue  # somebody else was first: the following one
        return redirect(address("feedback:desk-report", request, report.pk))
    messages.info(request, _("Nothing is left to take with these filters."))
    return redirect(f"{reverse('feedback:desk')}?{query_of(request.GET)}")


def asked_of(request: SignedInRequest) -> tuple[Tab, QueueFilterForm, Any]:
    """The tab, the filters and the reports that the address asks for, in the order of the queue."""
    now = timezone.now()
    today = timezone.localdate(now)
    if not may_take_part(request):
        require(request.user, "decide", on=today)
    tab = tab_asked(request.GET.get("tab"), request.user, today)
    form = QueueFilterForm(request.GET, rounds=Round.objects.select_related(None), states=tab.states)
    reports = reports_of(tab, request.user, today)
    if form.is_valid() or form.cleaned_data:
        reports = form.narrow(reports, me=request.user.pk, today=today, now=now)
    return tab, form, in_order(reports, tab)


def in_order(reports: ReportQuerySet, tab: Tab) -> ReportQuerySet:
    """What is due first comes first; what is closed, latest first."""
    if tab is CLOSED:
        return reports.order_by(F("closed_at").desc(nulls_last=True), "-pk")
    return reports.ordered_for_desk()


def beside(request: SignedInRequest, pk: int) -> dict[str, Any]:
    """The reports before and after one in the queue of the address; after one that left it, the first."""
    _tab, _form, reports = asked_of(request)
    queue = list(reports.values_list("pk", flat=True)[:LONGEST_WALK])
    if pk not in queue:
        return {"previous": None, "next": queue[0] if queue else None, "position": None, "length": len(queue)}
    place = queue.index(pk)
    return {
        "previous": queue[place - 1] if place else None,
        "next": queue[place + 1] if place + 1 < len(queue) else None,
        "position": place + 1,
        "length": len(queue),
    }


def may_take_part(request: SignedInRequest) -> bool:
    """Whether the desk is open to the person at all."""
    today = timezone.localdate()
    return any(may(request.user, right, on=today) for right in RIGHTS_OF_THE_DESK)


def query_of(asked: QueryDict) -> str:
    """The filters of the address, without the page: links carry them from report to report."""
    kept = asked.copy()
    kept.pop("page", None)
    return kept.urlencode()


def address(name: str, request: SignedInRequest, pk: int) -> str:
    """A page of a report that keeps the filters of the queue."""
    query = query_of(request.GET)
    return reverse(name, args=[pk]) + (f"?{query}" if query else "")


def _for_lines(reports: QuerySet[Report]) -> QuerySet[Report]:
    """With the names that a line shows, and no outline."""
    heavy = ("geometry", "comment", "commune__geometry", "commune__geometry_3857")
    named = reports.select_related(None).select_related("commune", "proposed_type", "locked_by").defer(*heavy)
    return named.prefetch_related("polygons__type_seen")


def _line(report: Report, me: int, now: datetime.datetime) -> Line:
    held = is_held(report, now)
    return Line(
        report=report,
        tag=tag_of_report(report.state),
        stake=Stake(report.stake) if report.stake else None,
        is_late=is_late(report, timezone.localdate(now)),
        is_held=held,
        is_mine=held and report.locked_by_id == me,
    )


def is_held(report: Report, now: datetime.datetime) -> bool:
    """Whether somebody's lock still runs."""
    return report.locked_until is not None and report.locked_until > now


def is_late(report: Report, today: datetime.date) -> bool:
    """Whether the answer is due; the clock rests while a question waits, and stops when the report is closed."""
    if report.due_on is None or report.closed_at is not None or report.state == ReportState.NEEDS_INFO:
        return False
    return report.due_on < today
