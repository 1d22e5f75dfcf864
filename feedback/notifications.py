"""Texts of the mails of a consultation. They wait in the outbox, in the transaction of what they tell.

The reader's language is not known: mails are written in the language of the installation.
"""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from feedback.models import Decision, Report, Round
from territories.actions import queue_mail
from territories.models import User


@contextmanager
def _in_the_installation_language() -> Iterator[None]:
    with translation.override(settings.LANGUAGE_CODE):
        yield


def tell_received(report: Report, *, at: datetime.datetime) -> None:
    """The receipt."""
    with _in_the_installation_language():
        body = _("Your report %(report)s on %(place)s has arrived. You will have an answer by %(due_on)s.")
        _tell(report, _("received"), body, at, due_on=_day(report.due_on))


def tell_asked(report: Report, *, question: str, at: datetime.datetime) -> None:
    """A question to the author."""
    with _in_the_installation_language():
        body = _(
            "A question about your report %(report)s on %(place)s:\n\n%(question)s\n\nAnswer on its page by "
            "%(last_day)s; without an answer the report expires."
        )
        last_day = timezone.localdate(at) + datetime.timedelta(days=settings.QUESTION_DAYS)
        _tell(report, _("a question"), body, at, question=question, last_day=_day(last_day))


def tell_reminder(report: Report, *, at: datetime.datetime) -> None:
    """The question still waits."""
    with _in_the_installation_language():
        body = _("Your report %(report)s on %(place)s still waits for your answer. It expires on %(last_day)s.")
        asked_on = timezone.localdate(report.asked_at) if report.asked_at else timezone.localdate(at)
        _tell(
            report,
            _("your answer is awaited"),
            body,
            at,
            last_day=_day(asked_on + datetime.timedelta(days=settings.QUESTION_DAYS)),
        )


def tell_answered(report: Report, *, to: User, at: datetime.datetime) -> None:
    """To the adjudicator who asked: the author answered."""
    with _in_the_installation_language():
        body = _("The author of report %(report)s on %(place)s has answered: it is in the queue again.")
        _tell(report, _("the author answered"), body, at, to=to)


def tell_decided(report: Report, decision: Decision, *, at: datetime.datetime) -> None:
    """The reply, with the way to appeal where there is one."""
    with _in_the_installation_language():
        body = _("Your report %(report)s on %(place)s: %(state)s.\n\n%(reply)s")
        if report.state.startswith("rejected") and report.appealed_at is None:
            body += "\n\n" + _("You may appeal once, with new evidence, until %(last_day)s.")
        last_day = timezone.localdate(at) + datetime.timedelta(days=settings.APPEAL_DAYS)
        _tell(report, report.get_state_display(), body, at, reply=decision.reply, last_day=_day(last_day))


def tell_merged(report: Report, *, at: datetime.datetime) -> None:
    """The report follows another one."""
    with _in_the_installation_language():
        body = _(
            "Your report %(report)s on %(place)s is about the same place as another one; the two are decided together "
            "and you will have the same answer."
        )
        _tell(report, _("joined to another report"), body, at)


def tell_followers(master: Report, *, reply: str, at: datetime.datetime) -> None:
    """What became of the master, to the authors of the reports joined to it."""
    for report in master.merged.select_related("author", "commune", "round"):
        with _in_the_installation_language():
            body = _("The report to which your report %(report)s on %(place)s was joined: %(outcome)s.\n\n%(reply)s")
            outcome = master.get_state_display()
            _tell(report, outcome, body, at, reply=reply, outcome=outcome)


def tell_expired(report: Report, *, at: datetime.datetime) -> None:
    """No answer came."""
    with _in_the_installation_language():
        body = _(
            "Your report %(report)s on %(place)s has expired: the question had no answer within %(days)s days. If the "
            "place is still wrong on the map, send a new report."
        )
        _tell(report, _("expired"), body, at, days=settings.QUESTION_DAYS)


def tell_reverted(report: Report, *, reason: str, at: datetime.datetime) -> None:
    """The correction was undone."""
    with _in_the_installation_language():
        body = _("The correction that your report %(report)s on %(place)s brought was undone:\n\n%(reason)s")
        _tell(report, _("correction undone"), body, at, reason=reason)


def tell_integrated(report: Report, *, hectares: float, at: datetime.datetime) -> None:
    """What the report changed, once a release carries it."""
    with _in_the_installation_language():
        body = _(
            "Release %(release)s of the map carries your report %(report)s on %(place)s: %(hectares)s ha are now "
            "%(habitat)s. Thank you."
        )
        decision = report.decisions.exclude(to_type=None).order_by("pk").last()
        habitat = str(decision.to_type) if decision else ""
        written = f"{hectares:.2f}"
        _tell(report, _("in a release"), body, at, release=str(report.release), hectares=written, habitat=habitat)


def tell_round_closed(round_: Round, *, to: User, drafts: int, at: datetime.datetime) -> None:
    """Drafts are kept, and may still be sent for a while."""
    with _in_the_installation_language():
        facts = {"round": round_.name, "drafts": drafts, "last_moment": _moment(round_.grace_ends_at)}
        subject = _("%(round)s is closed: your drafts are kept") % facts
        body = _(
            "%(round)s is closed. Your drafts (%(drafts)s) are kept: those begun before the close may be sent until "
            "%(last_moment)s."
        )
        queue_mail(recipient=to.email, subject=subject, body=body % facts, at=at)


def _tell(
    report: Report, matter: str, body: str, at: datetime.datetime, *, to: User | None = None, **facts: object
) -> None:
    known = {"report": f"#{report.pk}", "place": report.commune or report.round.name, "state": matter}
    subject = _("Report %(report)s: %(state)s") % known
    recipient = (to or report.author).email
    queue_mail(recipient=recipient, subject=subject[:300], body=body % {**known, **facts}, at=at)


def _day(day: datetime.date | None) -> str:
    return date_format(day, "DATE_FORMAT") if day else ""


def _moment(moment: datetime.datetime) -> str:
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT")
