"""What waits for a person, whatever their mandates: one list, from every room of the platform."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from feedback.models import Cycle, Decision, Release, Round
from feedback.queries.reports import my_reports, queue_of, rounds_for
from feedback.states import ReleaseState, ReportState, RoundState
from habitats.models import AuditSample, Vintage
from habitats.queries.audit import waiting_points
from habitats.queries.releves import releves_of, releves_waiting_for
from habitats.states import AuditState, ReleveState, VintageState
from ml.models import ModelVersion
from ml.states import VersionState
from territories.models import User
from territories.permissions import may, may_everywhere


@dataclass(frozen=True)
class Task:
    """One thing to do, and where it is done.

    Attributes:
        title: what.
        text: how many, until when.
        url: the page.
        is_waiting: whether somebody waits for it now; else it is a door that stands open.
    """

    title: str
    text: str
    url: str
    is_waiting: bool = True


def tasks_of(person: User, *, at: datetime.datetime) -> list[Task]:
    """What a person has to do now, what waits first."""
    found = [
        task for tasks in (_contesting, _deciding, _surveying, _labelling, _governing) for task in tasks(person, at)
    ]
    return sorted(found, key=lambda task: not task.is_waiting)


def _contesting(person: User, at: datetime.datetime) -> Iterator[Task]:
    for held in rounds_for(person, at).filter(state=RoundState.OPEN):
        text = _("Open until %(day)s, %(territory)s.") % {
            "day": timezone.localdate(held.closes_at).strftime("%d/%m/%Y"),
            "territory": held.territory.name,
        }
        title = _("Contest the map: %(round)s") % {"round": held.name}
        yield Task(title, text, _address("contest", round=held.key), is_waiting=False)
    mine = my_reports(person)
    if asked := mine.filter(state=ReportState.NEEDS_INFO).count():
        text = ngettext(
            "%(count)s of your reports waits for your answer.", "%(count)s of your reports wait for your answer.", asked
        )
        yield Task(_("Answer a question"), text % {"count": asked}, _address("my-reports"))
    if drafts := mine.filter(state=ReportState.DRAFT).count():
        text = ngettext("%(count)s draft is not sent yet.", "%(count)s drafts are not sent yet.", drafts)
        yield Task(_("Finish a draft"), text % {"count": drafts}, _address("my-reports"))


def _deciding(person: User, at: datetime.datetime) -> Iterator[Task]:
    if not (may(person, "decide", on=at.date()) or may(person, "decide_appeal", on=at.date())):
        return
    queue = queue_of(person, at.date()).order_by()
    proposed = Decision.objects.filter(signed_at=None, sent_back_at=None, proposed_by=person).values("report")
    to_sign = queue.filter(state=ReportState.DECISION_PROPOSED).exclude(pk__in=proposed).count()
    to_decide = queue.filter(state__in=[ReportState.SUBMITTED, ReportState.APPEALED, ReportState.IN_REVIEW]).count()
    text = ngettext("%(count)s report waits for a decision.", "%(count)s reports wait for a decision.", to_decide)
    yield Task(_("Decide reports"), text % {"count": to_decide}, _address("desk"), bool(to_decide))
    if to_sign:
        text = ngettext(
            "%(count)s decision of a colleague waits for your signature.",
            "%(count)s decisions of colleagues wait for your signature.",
            to_sign,
        )
        yield Task(_("Sign decisions"), text % {"count": to_sign}, _address("desk", tab="a-signer"))


def _surveying(person: User, at: datetime.datetime) -> Iterator[Task]:
    if may(person, "survey", on=at.date()):
        drafts = releves_of(person).filter(state=ReleveState.DRAFT).count()
        text = ngettext("%(count)s draft of yours.", "%(count)s drafts of yours.", drafts) % {"count": drafts}
        yield Task(_("Bring in relevés"), text, reverse("habitats:releve-list"), bool(drafts))
    if may(person, "validate_releve", on=at.date()):
        waiting = releves_waiting_for(person, on=at.date()).count()
        text = ngettext("%(count)s relevé waits for a level.", "%(count)s relevés wait for a level.", waiting)
        yield Task(
            _("Validate relevés"), text % {"count": waiting}, reverse("habitats:releve-validation"), bool(waiting)
        )


def _labelling(person: User, at: datetime.datetime) -> Iterator[Task]:
    if not may_everywhere(person, "interpret", on=at.date()):
        return
    for audit in AuditSample.objects.filter(state__in=[AuditState.DRAWN, AuditState.LABELLING]):
        if left := waiting_points(audit, person).count():
            text = ngettext("%(count)s point waits for your label.", "%(count)s points wait for your label.", left)
            address = reverse("habitats:audit-next", args=[audit.year, audit.number])
            yield Task(_("Label the audit sample %(audit)s") % {"audit": audit}, text % {"count": left}, address)


def _governing(person: User, at: datetime.datetime) -> Iterator[Task]:
    if may(person, "decide_version", on=at.date()):
        for version in ModelVersion.objects.filter(state=VersionState.CANDIDATE).order_by("number"):
            address = reverse("habitats:version", args=[version.number])
            yield Task(_("Decide on version %(version)s") % {"version": version}, str(version.year), address)
    if not may_everywhere(person, "release", on=at.date()):
        return
    for release in Release.objects.filter(state=ReleaseState.PREPARED).exclude(signatures__signer=person):
        text = _("Its dossier waits for two signatures of two services.")
        address = reverse("feedback:release-dossier", args=[release.pk])
        yield Task(_("Sign release %(release)s") % {"release": release}, text, address)
    for held in Round.objects.filter(state=RoundState.OPEN).order_by("key"):
        text = _("Open until %(day)s.") % {"day": timezone.localdate(held.closes_at).strftime("%d/%m/%Y")}
        title = _("Follow the round %(round)s") % {"round": held.name}
        yield Task(title, text, reverse("feedback:round", args=[held.key]), is_waiting=False)
    for year in Vintage.objects.filter(state=VintageState.WORKING).values_list("year", flat=True).order_by("year"):
        title = _("Prepare the release of %(year)s") % {"year": year}
        text = _("The gate says what is still missing.")
        yield Task(title, text, reverse("feedback:release-gate", args=[year]), is_waiting=False)
    for cycle in Cycle.objects.open():
        text = _("Waits for %(what)s.") % {"what": cycle.waits_for} if cycle.waits_for else cycle.get_phase_display()
        title = _("Follow the year %(year)s") % {"year": cycle.year}
        yield Task(title, text, _address("cycle-list"), is_waiting=False)


def _address(name: str, **query: Any) -> str:
    parts = "&".join(f"{key}={value}" for key, value in query.items())
    return reverse(f"feedback:{name}") + (f"?{parts}" if parts else "")
