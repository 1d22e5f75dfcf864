"""The tabs of the queue: which reports stand behind each, for one adjudicator."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from feedback.models import Decision, Report
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
TO_SIGN = TAB_OF_KEY["a-signer"]
del S


def tab_asked(key: str | None) -> Tab:
    """The tab of the address; the first one where it names none."""
    return TAB_OF_KEY.get(key or "", TABS[0])


def reports_of(tab: Tab, reports: QuerySet[Report], person: User) -> QuerySet[Report]:
    """The reports behind a tab. What waits for a second signature is never one's own proposal."""
    found = reports.filter(state__in=tab.states)
    return found.exclude(Exists(proposals_of(person))) if tab is TO_SIGN else found


def proposals_of(person: User) -> QuerySet[Decision]:
    """Proposals of the person that somebody else must sign, as a subquery of reports."""
    return Decision.objects.filter(
        report=OuterRef("pk"), proposed_by=person, signed_at__isnull=True, sent_back_at__isnull=True
    ).exclude(second_signature=[])


def count_by_tab(reports: QuerySet[Report], person: User) -> dict[str, int]:
    """How many reports stand behind each tab."""
    by_state = dict(reports.order_by().values_list("state").annotate(Count("pk")))
    counts = {tab.key: sum(by_state.get(state, 0) for state in tab.states) for tab in TABS}
    if counts[TO_SIGN.key]:
        waiting = reports.filter(Q(state__in=TO_SIGN.states))
        counts[TO_SIGN.key] -= waiting.filter(Exists(proposals_of(person))).count()
    return counts
