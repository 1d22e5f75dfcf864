"""The yearly cycle, from top to bottom: draw, map, contest, decide, measure, sign, publish.

Celery beat plays it: every few seconds `advance_open_cycles` passes each cycle through what is due, and stops where
people have something to do. The demonstration plays the same functions on its simulated clock.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bioccia.errors import BiocciaError
from feedback import actions
from feedback.models import Cycle, Release, Report, Round
from feedback.models.reports import ReportQuerySet
from feedback.states import CyclePhase, ReleaseState, RoundState
from habitats import actions as habitat_actions
from habitats import queries as habitat_queries
from habitats.models import Vintage
from habitats.states import AuditState, VintageState
from ml.actions import request_run
from ml.compute.errors import ComputeError
from ml.models import Run
from ml.states import RunKind, RunState
from ml.tasks import ring
from territories.models import Territory
from territories.states import TerritoryKind

logger = structlog.get_logger(__name__)

# The calendar of the annual map: days from the start of the cycle. A cycle keeps its own copy, which people may edit.
ANNUAL_CALENDAR: dict[str, Any] = {
    "draw_audit": 0,
    "map": 7,
    "rounds": [
        {"name": "M1", "opens": 30, "closes": 75, "grace": 7},
        {"name": "M2", "opens": 120, "closes": 150, "grace": 7},
    ],
    "prepare_release": 270,
}


def planned_calendar(start: datetime.datetime, template: Mapping[str, Any] = ANNUAL_CALENDAR) -> dict[str, Any]:
    """The moments of a cycle, as it keeps them.

    Args:
        start: its first moment.
        template: days from the start.
    """

    def moment(days: float) -> str:
        return (start + datetime.timedelta(days=days)).isoformat()

    return {
        **{name: moment(days) for name, days in template.items() if name != "rounds"},
        "rounds": [
            {
                "name": row["name"],
                "opens": moment(row["opens"]),
                "closes": moment(row["closes"]),
                "grace": moment(row["closes"] + row["grace"]),
            }
            for row in template["rounds"]
        ],
    }


def moment_of_phase(cycle: Cycle, phase: CyclePhase) -> datetime.datetime | None:
    """When the calendar has a phase begin; None where it follows the one before."""
    moments = {
        CyclePhase.DRAW_AUDIT: cycle.calendar["draw_audit"],
        CyclePhase.MAP: cycle.calendar["map"],
        CyclePhase.HOLD_ROUNDS: min((row["opens"] for row in cycle.calendar["rounds"]), default=None),
        CyclePhase.OPEN_AUDIT: cycle.calendar["prepare_release"],
    }
    moment = moments.get(phase)
    return datetime.datetime.fromisoformat(moment) if moment else None


class NotYetError(Exception):
    """The phase waits: for a moment, for a worker, or for people; the sentence says for what."""


def advance_open_cycles(*, at: datetime.datetime) -> None:
    """Advance every cycle that runs on the wall clock."""
    for number in Cycle.objects.open().on_the_wall_clock().values_list("pk", flat=True):
        try:
            advance_cycle(number, at=at)
        except (ComputeError, OSError):  # the other years go on; this one is tried again at the next look
            logger.exception("cycle not advanced", cycle=number)


def advance_cycle(cycle_id: int, *, at: datetime.datetime) -> Cycle:
    """Pass a cycle through every phase that is due and done; safe to call at any time, by anybody, twice at once.

    Args:
        cycle_id: primary key.
        at: the moment on the cycle's clock.
    """
    while _advance_once(cycle_id, at):
        pass
    return Cycle.objects.get(pk=cycle_id)


def _advance_once(cycle_id: int, at: datetime.datetime) -> bool:
    with transaction.atomic():
        cycle = Cycle.objects.select_for_update().get(pk=cycle_id)
        if cycle.phase == CyclePhase.ENDED:
            return False
        outcome = _look(Turn(cycle, at))
        if outcome.waits_for:
            actions.note_waiting(cycle=cycle, sentence=outcome.waits_for)
            return False
        actions.finish_phase(cycle=cycle, at=at, note=outcome.note)
    return True


@dataclass(frozen=True)
class Outcome:
    """What a look at a phase found: a note where it is over, else whom it waits for."""

    note: str = ""
    waits_for: str = ""


def _look(turn: "Turn") -> Outcome:
    """Play the phase as far as it goes: what it did while waiting stays done, what was refused is undone."""
    try:
        with transaction.atomic():
            try:
                return Outcome(note=PLAY_OF_PHASE[CyclePhase(turn.cycle.phase)](turn))
            except NotYetError as wait:
                return Outcome(waits_for=str(wait))
    except BiocciaError as refusal:
        return Outcome(waits_for=str(refusal.detail))


@dataclass(frozen=True)
class Turn:
    """One look at a cycle, at one moment."""

    cycle: Cycle
    at: datetime.datetime

    def wait_until(self, moment: str) -> None:
        """Leave the phase for later where its moment has not come."""
        due = datetime.datetime.fromisoformat(moment)
        if self.at < due:
            raise NotYetError(_("the %(day)s") % {"day": due.date().isoformat()})


def draw_audit(turn: Turn) -> str:
    """Draw the audit sample before anything is mapped, and make its seed and its hash public."""
    cycle = turn.cycle
    turn.wait_until(cycle.calendar["draw_audit"])
    audit = habitat_queries.audit_of(cycle.year)
    if audit is None:
        audit = habitat_actions.draw_audit_sample(
            region=cycle.region,
            year=cycle.year,
            size=cycle.audit_size,
            seed=cycle.seed,
            by=cycle.started_by,
            at=turn.at,
        )
    return _("%(points)s points, seed %(seed)s, hash %(hash)s") % {
        "points": audit.size,
        "seed": audit.seed,
        "hash": audit.sha256[:12],
    }


def map_the_year(turn: Turn) -> str:
    """Have the workers train, decide and map; the candidate is decided by the rule fixed beforehand."""
    cycle = turn.cycle
    turn.wait_until(cycle.calendar["map"])
    run = cycle.run or _run_of_the_year(turn)
    if run.state in (RunState.FAILED, RunState.STOPPED):
        run = _going_runs(cycle).first() or run  # somebody has asked for another one since
    if run != cycle.run:
        actions.attach_run(cycle=cycle, run=run)
        ring(run)
    if run.state != RunState.FINISHED:
        raise NotYetError(_("run %(run)s (%(state)s)") % {"run": run.pk, "state": run.get_state_display()})
    vintage = _working_vintage(cycle)
    returned = actions.return_stale_reports(vintage=vintage, at=turn.at)
    return _("%(count)s polygons, %(returned)s reports back in review") % {
        "count": vintage.polygon_count,
        "returned": returned,
    }


def _run_of_the_year(turn: Turn) -> Run:
    """The run that somebody has already asked for, else a new one."""
    cycle = turn.cycle
    return _going_runs(cycle).first() or request_run(
        region=cycle.region,
        year=cycle.year,
        kind=RunKind.YEAR,
        at=turn.at,
        by=cycle.engineer,
        parameters={"decision": "gate"},
    )


def _going_runs(cycle: Cycle) -> QuerySet[Run]:
    """The runs of the year that are open or went well, the newest first."""
    runs = Run.objects.filter(region=cycle.region, year=cycle.year, kind=RunKind.YEAR)
    return runs.exclude(state__in=[RunState.FAILED, RunState.STOPPED]).order_by("-pk")


def _working_vintage(cycle: Cycle) -> Vintage:
    found = Vintage.objects.filter(region=cycle.region, year=cycle.year, state=VintageState.WORKING).first()
    if found is None:
        raise NotYetError(_("a working map of %(year)s: map the year again") % {"year": cycle.year})
    return found


def plan_rounds(turn: Turn) -> str:
    """One round of each name in each department; in the region where it has none."""
    cycle = turn.cycle
    for row in cycle.calendar["rounds"]:
        for territory in _consulted():
            key = f"{cycle.year}-{territory.code}-{row['name']}".lower()
            if not Round.objects.filter(key=key).exists():
                actions.plan_round(
                    key=key,
                    year=cycle.year,
                    region=cycle.region,
                    territory=territory,
                    name=row["name"],
                    opens_at=datetime.datetime.fromisoformat(row["opens"]),
                    closes_at=datetime.datetime.fromisoformat(row["closes"]),
                    grace_ends_at=datetime.datetime.fromisoformat(row["grace"]),
                    by=cycle.started_by,
                    at=turn.at,
                    is_simulated=cycle.is_simulated,
                )
    return _count_of_rounds(Round.objects.filter(year=cycle.year, region=cycle.region).count())


def _consulted() -> list[Territory]:
    for kind in (TerritoryKind.DEPARTMENT, TerritoryKind.REGION, *TerritoryKind):
        if found := list(Territory.objects.of_kind(kind).without_geometry().order_by("code")):
            return found
    raise NotYetError(_("territories: import them first"))


def _count_of_rounds(count: int) -> str:
    return ngettext("%(count)s round", "%(count)s rounds", count) % {"count": count}


def hold_rounds(turn: Turn) -> str:
    """Open and close each round at its hour; drafts outlive the close."""
    rounds = Round.objects.filter(year=turn.cycle.year, region=turn.cycle.region)
    for due in rounds.filter(state=RoundState.PLANNED, opens_at__lte=turn.at).order_by("key"):
        actions.open_round(round=due, by=None, at=turn.at)
    for due in rounds.filter(state=RoundState.OPEN, closes_at__lte=turn.at).order_by("key"):
        actions.close_round(round=due, by=None, at=turn.at)
    left = rounds.unfinished().count()
    if left:
        raise NotYetError(_("the end of the rounds (%(left)s left)") % {"left": _count_of_rounds(left)})
    return _count_of_rounds(rounds.count())


def finish_decisions(turn: Turn) -> str:
    """Wait until nobody has anything left to decide; questions without an answer expire."""
    actions.expire_reports(at=turn.at, simulated=turn.cycle.is_simulated)
    return _("%(count)s reports decided") % {"count": _decided_reports(turn.cycle).not_drafts().count()}


def _decided_reports(cycle: Cycle) -> ReportQuerySet:
    """The reports of the year, once none is open: drafts sent in the grace and appeals come after the rounds."""
    reports = Report.objects.filter(round__year=cycle.year, round__region=cycle.region)
    if left := reports.open().count():
        raise NotYetError(
            ngettext("the decision of %(count)s report", "the decision of %(count)s reports", left) % {"count": left}
        )
    return reports


def open_audit(turn: Turn) -> str:
    """Break the seal of the audit sample, once every point has its label, and measure the corrected map."""
    cycle = turn.cycle
    turn.wait_until(cycle.calendar["prepare_release"])
    audit = habitat_queries.audit_of(cycle.year)
    if audit is None:
        raise NotYetError(_("an audit sample: none was drawn before the map"))
    if audit.state == AuditState.OPENED:
        return _accuracy_sentence(audit.assessment or {})
    _decided_reports(cycle)  # measured once for ever, on the corrected polygons
    if audit.state != AuditState.CLOSED:
        habitat_actions.close_labelling(audit=audit, at=turn.at)
    assessment = actions.open_audit_at_gate(
        audit=audit, vintage=_working_vintage(cycle), by=cycle.started_by, at=turn.at
    )
    return _accuracy_sentence(assessment)


def _accuracy_sentence(assessment: Mapping[str, Any]) -> str:
    figures = assessment["overall_accuracy"]
    return _("overall accuracy %(estimate)s %%, 95 %% between %(low)s %% and %(high)s %%") % {
        "estimate": number_format(100 * figures["estimate"], 1),
        "low": number_format(100 * figures["low_95"], 1),
        "high": number_format(100 * figures["high_95"], 1),
    }


def prepare_release(turn: Turn) -> str:
    """Write the dossier that two people will sign, unless one of them has; the gate says what is missing."""
    cycle = turn.cycle
    release = Release.objects.under_way().filter(region=cycle.region, year=cycle.year).first()
    if release is None:
        release = actions.prepare_release(
            vintage=_working_vintage(cycle), by=cycle.started_by, at=turn.at, acknowledges_dropped=cycle.is_simulated
        )
    actions.attach_release(cycle=cycle, release=release)
    return _("release %(release)s, dossier %(hash)s") % {
        "release": release,
        "hash": release.dossier_sha256[:12],
    }


def collect_signatures(turn: Turn) -> str:
    """Wait for two people of two services; a dossier that changed is prepared again on its page."""
    release = _signed_release(turn.cycle)
    signatures = release.signatures.select_related("organisation").order_by("signed_at")
    return ", ".join(str(signature.organisation) for signature in signatures)


def publish(turn: Turn) -> str:
    """Wait for the worker that writes the files; the release stands from one moment to the next."""
    release = _signed_release(turn.cycle)
    if release.state == ReleaseState.SIGNED:
        run = release.run or actions.request_publication(release=release, at=turn.at).run
        if run is None:
            raise NotYetError(_("the run of its publication"))
        if run != release.run:
            ring(run)
        raise NotYetError(_("run %(run)s (%(state)s)") % {"run": run.pk, "state": run.get_state_display()})
    return _("release %(release)s, content %(hash)s") % {"release": release, "hash": release.content_sha256[:12]}


def _signed_release(cycle: Cycle) -> Release:
    """The release, once it has its signatures: one prepared again after a failed publication has none yet."""
    release = _release(cycle)
    if release.state == ReleaseState.PREPARED:
        raise NotYetError(
            _("the signatures of release %(release)s (%(count)s of 2)")
            % {"release": release, "count": release.signatures.count()}
        )
    return release


def _release(cycle: Cycle) -> Release:
    """The release under way: its dossier may have been abandoned and prepared again since the cycle saw it."""
    under_way = Release.objects.under_way().filter(region=cycle.region, year=cycle.year).first()
    if under_way is not None:
        if under_way != cycle.release:
            actions.attach_release(cycle=cycle, release=under_way)  # once published, it is not under way any more
        return under_way
    if cycle.release is None or cycle.release.state == ReleaseState.ABANDONED:
        raise NotYetError(_("a dossier: the last one was abandoned, prepare another"))
    return cycle.release


PLAY_OF_PHASE: dict[CyclePhase, Callable[[Turn], str]] = {
    CyclePhase.DRAW_AUDIT: draw_audit,
    CyclePhase.MAP: map_the_year,
    CyclePhase.PLAN_ROUNDS: plan_rounds,
    CyclePhase.HOLD_ROUNDS: hold_rounds,
    CyclePhase.FINISH_DECISIONS: finish_decisions,
    CyclePhase.OPEN_AUDIT: open_audit,
    CyclePhase.PREPARE_RELEASE: prepare_release,
    CyclePhase.COLLECT_SIGNATURES: collect_signatures,
    CyclePhase.PUBLISH: publish,
}
