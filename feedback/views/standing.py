"""Where a round stands, in a sentence: open until when, or when the next one opens."""

import datetime
from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from feedback.models import Round
from feedback.states import RoundState


@dataclass(frozen=True)
class Standing:
    """A round as people read it.

    Attributes:
        round: the round.
        kind: the kind of tag that goes with it.
        sentence: where it stands, with its date and the days left.
        receives: whether a report may be sent now.
        in_grace: whether only drafts begun in time may still be sent.
    """

    round: Round
    kind: str
    sentence: str
    receives: bool
    in_grace: bool = False


def standing_of(round_: Round, at: datetime.datetime) -> Standing:
    """Where a round stands at a moment."""
    if round_.state == RoundState.PLANNED or at < round_.opens_at:
        sentence = _("%(round)s opens on %(day)s") % _dated(round_, round_.opens_at)
        return Standing(round_, "wait", sentence, receives=False)
    if round_.state == RoundState.OPEN and at < round_.closes_at:
        sentence = _("%(round)s is open until %(day)s (%(left)s)")
        said = sentence % {**_dated(round_, round_.closes_at), "left": _days_left(round_.closes_at, at)}
        return Standing(round_, "live", said, receives=True)
    if round_.receives(at):
        sentence = _("%(round)s is closed; drafts begun in time may be sent until %(day)s")
        return Standing(round_, "wait", sentence % _dated(round_, round_.grace_ends_at), receives=True, in_grace=True)
    sentence = _("%(round)s closed on %(day)s") % _dated(round_, round_.closed_at or round_.closes_at)
    return Standing(round_, "plain", sentence, receives=False)


def _dated(round_: Round, moment: datetime.datetime) -> dict[str, str]:
    return {"round": round_.name, "day": date_format(timezone.localtime(moment), "DATE_FORMAT")}


def _days_left(end: datetime.datetime, at: datetime.datetime) -> str:
    days = (timezone.localdate(end) - timezone.localdate(at)).days
    if days <= 0:
        return _("last day")
    return ngettext("%(days)s day left", "%(days)s days left", days) % {"days": days}
