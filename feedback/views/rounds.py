"""Rounds: when each opens and closes, how far its reports are, and who may open and close them."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bioccia.errors import BiocciaError, InvalidFieldsError
from feedback import actions
from feedback.forms.rounds import PlanRoundForm
from feedback.models import Report, Round
from feedback.permissions import may_hold_round
from feedback.states import OPEN_STATES, ReportState, RoundState
from feedback.views.tags import tag_of_report, tag_of_round
from territories.models import Region
from territories.permissions import SignedInRequest, may, require

PER_PAGE = 12
COMMUNES_PER_PAGE = 50
READING_RIGHTS = ("contest", "decide", "decide_appeal", "release")


@dataclass(frozen=True)
class RoundSheet:
    """One round as the pages show it."""

    round: Round
    tag: str
    when: str
    counts: list[dict[str, Any]]
    sent: int
    done: int
    drafts: int
    may_hold: bool

    @property
    def left(self) -> int:
        """Reports that wait for somebody."""
        return self.sent - self.done

    @property
    def share(self) -> float:
        """How much of what was sent is answered, in percent."""
        return round(100 * self.done / self.sent, 1) if self.sent else 0.0


@require_safe
@login_required
@never_cache
def round_list(request: SignedInRequest) -> HttpResponse:
    """Rounds, the latest first, with the form that plans one for those who may."""
    return _list_page(request, _plan_form(request))


def _list_page(request: SignedInRequest, form: PlanRoundForm | None, status: int = 200) -> HttpResponse:
    _require_reading(request)
    rounds = _with_territory().order_by("-opens_at", "key")
    page = Paginator(rounds, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "sheets": _sheets(list(page), request), "form": form, **_rights(request)}
    return render(request, "feedback/round_list.html", context, status=status)


@require_safe
@login_required
@never_cache
def round_page(request: SignedInRequest, key: str) -> HttpResponse:
    """One round, commune by commune."""
    _require_reading(request)
    found = get_object_or_404(_with_territory(), key=key)
    communes = (
        Report.objects.not_drafts()
        .filter(round=found)
        .order_by()
        .values("commune", "commune__name", "commune__code")
        .annotate(sent=Count("pk"), left=Count("pk", filter=Q(state__in=OPEN_STATES)))
        .order_by("-left", "-sent", "commune__name", "commune")
    )
    page = Paginator(communes, COMMUNES_PER_PAGE).get_page(request.GET.get("page"))
    rows = [{**row, "done": row["sent"] - row["left"]} for row in page]
    context = {"sheet": _sheets([found], request)[0], "page": page, "rows": rows, **_rights(request)}
    return render(request, "feedback/round.html", context)


@require_POST
@login_required
def plan_round(request: SignedInRequest) -> HttpResponse:
    """Plan a round; it opens by itself on its day."""
    region = get_object_or_404(Region)
    form = PlanRoundForm(request.POST, region=region)
    if not form.is_valid():
        return _list_page(request, form, status=422)
    try:
        planned = actions.plan_round(region=region, by=request.user, at=timezone.now(), **form.plan())
    except InvalidFieldsError as error:
        for name, sentence in error.fields.items():
            form.add_error(name if name in form.fields else None, sentence)
        if not error.fields:
            form.add_error(None, str(error.detail))
        return _list_page(request, form, status=error.status)
    except BiocciaError as error:
        form.add_error(None, str(error.detail))
        return _list_page(request, form, status=error.status)
    messages.success(request, _("The round %(name)s is planned.") % {"name": planned.name})
    return redirect("feedback:round", key=planned.key)


@require_POST
@login_required
def open_round(request: SignedInRequest, key: str) -> HttpResponse:
    """Open a planned round now."""
    opened = actions.open_round(round=get_object_or_404(Round, key=key), by=request.user, at=timezone.now())
    messages.success(request, _("The round %(name)s is open: its reviewers may send reports.") % {"name": opened.name})
    return redirect("feedback:round", key=key)


@require_POST
@login_required
def close_round(request: SignedInRequest, key: str) -> HttpResponse:
    """Close an open round now; drafts are kept, and may be sent until the end of its grace."""
    closed = actions.close_round(round=get_object_or_404(Round, key=key), by=request.user, at=timezone.now())
    messages.success(request, _("The round %(name)s is closed; its drafts are kept.") % {"name": closed.name})
    return redirect("feedback:round", key=key)


def _with_territory() -> Any:
    heavy = ("territory__geometry", "territory__geometry_3857")
    return Round.objects.select_related("territory").defer(*heavy)


def _require_reading(request: SignedInRequest) -> None:
    today = timezone.localdate()
    if not any(may(request.user, right, on=today) for right in READING_RIGHTS):
        require(request.user, "contest", on=today)


def _rights(request: SignedInRequest) -> dict[str, bool]:
    today = timezone.localdate()
    return {"may_decide": any(may(request.user, right, on=today) for right in ("decide", "decide_appeal", "release"))}


def _plan_form(request: SignedInRequest) -> PlanRoundForm | None:
    region = Region.objects.first()
    if region is None or not may(request.user, "release", on=timezone.localdate()):
        return None
    return PlanRoundForm(region=region)


def _sheets(rounds: list[Round], request: SignedInRequest) -> list[RoundSheet]:
    """The rounds with their counts, read in one go."""
    now = timezone.now()
    counts: dict[int, dict[str, int]] = {each.pk: {} for each in rounds}
    found = Report.objects.filter(round__in=rounds).order_by().values_list("round", "state").annotate(Count("pk"))
    for round_id, state, count in found:
        counts[round_id][state] = count
    return [_sheet(each, counts[each.pk], request, now) for each in rounds]


def _sheet(found: Round, counts: dict[str, int], request: SignedInRequest, now: datetime.datetime) -> RoundSheet:
    sent = sum(count for state, count in counts.items() if state != ReportState.DRAFT)
    waiting = sum(counts.get(state, 0) for state in OPEN_STATES)
    return RoundSheet(
        round=found,
        tag=tag_of_round(found.state),
        when=when_in_words(found, now),
        counts=[
            {"state": state, "tag": tag_of_report(state), "count": counts[state]}
            for state in ReportState
            if counts.get(state) and state != ReportState.DRAFT
        ],
        sent=sent,
        done=sent - waiting,
        drafts=counts.get(ReportState.DRAFT, 0),
        may_hold=may_hold_round(request.user, found.territory, timezone.localdate(now)),
    )


def when_in_words(found: Round, now: datetime.datetime) -> str:
    """The dates of a round as a sentence: what comes next, and in how many days."""
    if found.state == RoundState.PLANNED:
        return _("Opens on %(day)s, %(delay)s.") % _moment(found.opens_at, now)
    if found.state == RoundState.OPEN:
        return _("Open; closes on %(day)s, %(delay)s.") % _moment(found.closes_at, now)
    if now < found.grace_ends_at:
        return _("Closed; drafts begun in time may be sent until %(day)s, %(delay)s.") % _moment(
            found.grace_ends_at, now
        )
    return _("Closed on %(day)s.") % {
        "day": date_format(timezone.localtime(found.closed_at or found.closes_at), "DATE_FORMAT")
    }


def _moment(moment: datetime.datetime, now: datetime.datetime) -> dict[str, str]:
    days = (timezone.localdate(moment) - timezone.localdate(now)).days
    if days < 0:
        delay = ngettext("%(days)s day ago", "%(days)s days ago", -days) % {"days": -days}
    elif days == 0:
        delay = _("today")
    else:
        delay = ngettext("in %(days)s day", "in %(days)s days", days) % {"days": days}
    return {"day": date_format(timezone.localtime(moment), "j F Y, H:i"), "delay": delay}
