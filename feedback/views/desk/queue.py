"""The queue: reports to decide, sign or follow on the territory of a person."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bioccia.errors import NotAllowedError, StateForbidsError
from feedback import actions
from feedback.forms.desk import QueueFilterForm
from feedback.models import Report, Round
from feedback.models.reports import ReportQuerySet
from feedback.queries.reports import queue_of
from feedback.states import ReportState
from feedback.views.desk.tabs import (
    CLOSED,
    TABS,
    TO_SIGN,
    Tab,
    count_by_tab,
    count_own_proposals,
    reports_of,
    tab_asked,
)
from feedback.views.tags import tag_of_report
from habitats.states import Stake
from territories.permissions import SignedInRequest, may

PER_PAGE = 25
# How far "next" and "previous" look; nobody leafs further.
LONGEST_WALK = 2_000
TRIES_TO_TAKE = 5
RIGHTS_OF_THE_DESK = ("decide", "decide_appeal", "release")
TAKEABLE = (ReportState.SUBMITTED, ReportState.APPEALED, ReportState.IN_REVIEW)


@dataclass(frozen=True)
class Line:
    """One row of the queue, with what the page says about it."""

    report: Report
    tag: str
    stake: Any
    is_late: bool
    is_held: bool
    is_mine: bool


@dataclass(frozen=True)
class Asked:
    """What the address asks for: a tab, its filters, and its reports in the order of the queue."""

    tab: Tab
    form: QueueFilterForm
    queue: ReportQuerySet
    reports: ReportQuerySet

    @property
    def is_filtered(self) -> bool:
        """Whether a filter is set."""
        return any(self.form.data.get(name) for name in self.form.fields)


@require_safe
@login_required
@never_cache
def desk(request: SignedInRequest) -> HttpResponse:
    """The queue of a tab, filtered by the address."""
    asked = asked_of(request)
    counts = count_by_tab(asked.queue, request.user)
    # Keys first, rows after: a late page does not read the rows before it.
    paginator = Paginator(asked.reports.values_list("pk", flat=True), PER_PAGE)
    if not asked.is_filtered and asked.tab is not CLOSED:
        paginator.count = counts[asked.tab.key]  # known already: not counted twice
    page = paginator.get_page(request.GET.get("page"))
    now = timezone.now()
    context = {
        "tabs": [{"tab": each, "count": counts.get(each.key)} for each in TABS],
        "tab": asked.tab,
        "form": asked.form,
        "is_filtered": asked.is_filtered,
        "page": page,
        "lines": [_line(report, request.user.pk, now) for report in _reports_of_keys(list(page))],
        "own_proposals": count_own_proposals(asked.queue, request.user) if asked.tab is TO_SIGN else 0,
        "query": query_of(request.GET),
    }
    return render(request, "feedback/desk.html", context, status=200 if asked.form.is_valid() else 422)


@require_POST
@login_required
def take_next(request: SignedInRequest) -> HttpResponse:
    """Take the first report of the queue that nobody holds."""
    now = timezone.now()
    takeable = asked_of(request).reports.filter(state__in=TAKEABLE).free_at(now)
    for report in takeable[:TRIES_TO_TAKE]:
        try:
            actions.take_report(report=report, by=request.user, at=now)
        except StateForbidsError:
            continue  # somebody else was first: the following one
        return redirect(address("feedback:desk-report", request, report.pk))
    messages.info(request, _("Nothing is left to take with these filters."))
    return redirect(f"{reverse('feedback:desk')}?{query_of(request.GET)}")


def asked_of(request: SignedInRequest) -> Asked:
    """The tab, the filters and the reports that the address asks for.

    Raises:
        NotAllowedError: the desk is not for this person.
    """
    now = timezone.now()
    today = timezone.localdate(now)
    tab = tab_asked(request.GET.get("tab"), require_desk(request))
    form = QueueFilterForm(request.GET, rounds=Round.objects.all(), states=tab.states)
    queue = queue_of(request.user, today)
    form.full_clean()
    reports = form.narrow(reports_of(tab, queue, request.user, today), me=request.user.pk, today=today, now=now)
    return Asked(tab, form, queue, in_order(reports, tab))


def require_desk(request: SignedInRequest) -> str:
    """The first right that opens the desk to the person.

    Raises:
        NotAllowedError: none does.
    """
    today = timezone.localdate()
    for right in RIGHTS_OF_THE_DESK:
        if may(request.user, right, on=today):
            return right
    raise NotAllowedError(_("The desk is for those who decide on reports. Ask the Region for a mandate."))


def in_order(reports: ReportQuerySet, tab: Tab) -> ReportQuerySet:
    """What is due first comes first; what is closed, latest first."""
    if tab is CLOSED:
        return reports.order_by(F("closed_at").desc(nulls_last=True), "-pk")
    return reports.ordered_for_desk()


def beside(request: SignedInRequest, pk: int) -> dict[str, Any]:
    """The reports before and after one in the queue of the address; after one that left it, the first."""
    queue = list(asked_of(request).reports.values_list("pk", flat=True)[:LONGEST_WALK])
    if pk not in queue:
        return {"previous": None, "next": queue[0] if queue else None, "position": None, "length": len(queue)}
    place = queue.index(pk)
    return {
        "previous": queue[place - 1] if place else None,
        "next": queue[place + 1] if place + 1 < len(queue) else None,
        "position": place + 1,
        "length": len(queue),
    }


def query_of(asked: QueryDict) -> str:
    """The filters of the address, without the page: links carry them from report to report."""
    kept = asked.copy()
    kept.pop("page", None)
    return kept.urlencode()


def address(name: str, request: SignedInRequest, pk: int) -> str:
    """A page of a report that keeps the filters of the queue."""
    query = query_of(request.GET)
    return reverse(name, args=[pk]) + (f"?{query}" if query else "")


def _reports_of_keys(keys: list[int]) -> list[Report]:
    """The reports in the order of their keys, with the names that a line shows, and no outline."""
    heavy = ("geometry", "comment", "commune__geometry", "commune__geometry_3857")
    named = Report.objects.select_related("commune", "proposed_type", "locked_by").defer(*heavy)
    found = named.prefetch_related("polygons__type_seen").in_bulk(keys)
    return [found[key] for key in keys if key in found]


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
