"""The tabs of the queue: which reports stand behind each, for one adjudicator."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from feedback.models import Decision
from feedback.models.reports import ReportQuerySet
from feedback.queries.reports import counts_by_state, reports_visible_to
from feedback.states import ReportState
from territories.models import User

S = ReportState


@dataclass(frozen=True)
class Tab:
    """One heap of the queue.

    Attributes:
        key: its word in the address.
        label: its name.
        states: the states of its reports.
        empty: what to say, and what to do, where it holds none.
    """

    key: str
    label: Any
    states: tuple[ReportState, ...]
    empty: Any


TABS = (
    Tab(
        "a-traiter",
        _("To decide"),
        (S.SUBMITTED, S.IN_REVIEW),
        _("Every report of your territory has somebody at work on it. Look at those that wait for a signature."),
    ),
    Tab(
        "a-signer",
        _("To sign"),
        (S.DECISION_PROPOSED,),
        _("No proposal waits for your signature. Those that you proposed are signed by somebody else."),
    ),
    Tab(
        "terrain",
        _("Waiting for the field"),
        (S.AWAITING_FIELD,),
        _("No report waits for a field visit. Send one there from its page when images cannot tell."),
    ),
    Tab(
        "auteur",
        _("Waiting for the author"),
        (S.NEEDS_INFO,),
        _("No question waits for an answer. Ask an author from the page of the report."),
    ),
    Tab("recours", _("In appeal"), (S.APPEALED,), _("No decision is contested. Authors have a window to appeal.")),
    Tab(
        "clos",
        _("Closed"),
        (
            S.ACCEPTED,
            S.INTEGRATED,
            S.ALREADY_FIXED,
            S.REJECTED_SPEC,
            S.REJECTED_OFF_TOPIC,
            S.MERGED,
            S.WITHDRAWN,
            S.EXPIRED,
            S.REVERTED,
        ),
        _("No report is closed yet. Decide one, and it comes here."),
    ),
)
TAB_OF_KEY = {tab.key: tab for tab in TABS}
TO_SIGN, CLOSED = TAB_OF_KEY["a-signer"], TAB_OF_KEY["clos"]
del S


def tab_asked(key: str | None, right: str) -> Tab:
    """The tab of the address; where it names none, the one where somebody with the right has something to do."""
    if key in TAB_OF_KEY:
        return TAB_OF_KEY[key]
    return {"decide": TABS[0], "decide_appeal": TAB_OF_KEY["recours"]}.get(right, CLOSED)


def reports_of(tab: Tab, queue: ReportQuerySet, person: User, on: datetime.date) -> ReportQuerySet:
    """The reports behind a tab. What waits for a second signature is never one's own proposal."""
    if tab is CLOSED:
        return closed_reports(person, on)
    found = queue.filter(state__in=tab.states)
    return found.exclude(Exists(proposals_of(person))) if tab is TO_SIGN else found


def closed_reports(person: User, on: datetime.date) -> ReportQuerySet:
    """What was decided, or ended, on the territory of the person; not their own reports."""
    return reports_visible_to(person, on).filter(state__in=CLOSED.states).exclude(author=person)


def proposals_of(person: User) -> QuerySet[Decision]:
    """Proposals of the person that somebody else must sign, as a subquery of reports."""
    return Decision.objects.filter(
        report=OuterRef("pk"), proposed_by=person, signed_at__isnull=True, sent_back_at__isnull=True
    ).exclude(second_signature=[])


def count_own_proposals(queue: ReportQuerySet, person: User) -> int:
    """How many proposals of the person wait for somebody else."""
    return queue.filter(Exists(proposals_of(person)), state__in=TO_SIGN.states).count()


def count_by_tab(queue: ReportQuerySet, person: User) -> dict[str, int]:
    """How many reports stand behind each tab; what is closed grows with the years, and is not counted."""
    by_state = counts_by_state(queue)
    counts = {tab.key: sum(by_state.get(state, 0) for state in tab.states) for tab in TABS if tab is not CLOSED}
    if counts[TO_SIGN.key]:
        counts[TO_SIGN.key] -= count_own_proposals(queue, person)
    return counts
