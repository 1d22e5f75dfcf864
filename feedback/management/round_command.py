"""What the commands of a round share."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.commands import JsonCommand
from bioccia.errors import InvalidFieldsError
from feedback.models import Report, Round


class RoundCommand(JsonCommand):
    """One move of a round, named by its key, by whoever holds the console.

    Attributes:
        act: the move.
    """

    act: ClassVar[Callable[..., Round]]

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One round."""
        parser.add_argument("round", metavar="ROUND", help="key of the round, as its page and /api/v1/rounds/ show it")

    def play(self, **options: Any) -> dict[str, Any]:
        """Move it, and say where it stands."""
        found = _round_of(options["round"])
        self.act(round=found, by=None, at=timezone.now())
        found.refresh_from_db(fields=["state", "opened_at", "closed_at"])
        reports = Report.objects.not_drafts().filter(round=found)
        return {
            "round": found.key,
            "state": found.state,
            "opens_at": found.opens_at,
            "closes_at": found.closes_at,
            "grace_ends_at": found.grace_ends_at,
            "reports": reports.count(),
            "waiting": reports.open().count(),
        }


def _round_of(key: str) -> Round:
    found = Round.objects.filter(key=key).first()
    if found is None:
        known = ", ".join(Round.objects.unfinished().values_list("key", flat=True)[:20])
        sentence = _("There is no round “%(key)s”. Planned or open ones: %(known)s.") % {
            "key": key,
            "known": known or "–",
        }
        raise InvalidFieldsError(sentence, fields={"round": sentence})
    return found
