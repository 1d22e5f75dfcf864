"""Errors of the consultation that pages and programs tell apart."""

import datetime
from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from bioccia.errors import BiocciaError, StateForbidsError
from territories.models import User


def written(moment: datetime.datetime) -> str:
    """A moment as the reader of a sentence writes it."""
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT")


class UuidTakenError(StateForbidsError):
    """The identifier was used for something else; nothing is said of what."""

    code = "uuid_taken"

    def __init__(self) -> None:
        super().__init__(
            _("This identifier was already used for another report. Send this one again under a new identifier.")
        )


class RoundForbidsError(StateForbidsError):
    """The round does not receive."""

    code = "round_forbids"


class LockedError(StateForbidsError):
    """Another adjudicator holds the report, or nobody does where somebody must."""

    code = "locked"

    def __init__(self, holder: User | None, until: datetime.datetime | None) -> None:
        if holder is None or until is None:
            super().__init__(_("Take the report first: nobody holds it."))
            return
        super().__init__(
            _("%(holder)s holds this report until %(moment)s. Take it after that, or ask them to let it go.")
            % {"holder": holder, "moment": written(until)}
        )


class PolygonsSeenChangedError(StateForbidsError):
    """The map is no longer what the author saw.

    Attributes:
        changed: for each polygon `id`, `number`, `version_seen`, and what it is now: `version`, `code` (None: gone).
    """

    code = "polygons_changed"

    def __init__(self, changed: Sequence[dict[str, Any]]) -> None:
        self.changed = list(changed)
        super().__init__(
            _("The map changed since you looked: %(changes)s. Look at the place again, then send the report.")
            % {"changes": "; ".join(str(_sentence_of(change)) for change in self.changed)}
        )

    def as_problem(self) -> dict[str, Any]:
        """The RFC 9457 body, with what changed."""
        return {**super().as_problem(), "changed": self.changed}


def _sentence_of(change: dict[str, Any]) -> Any:
    name = change["number"] or change["id"]
    if change["version"] is None:
        return _("polygon %(name)s is not on the map any more") % {"name": name}
    return _("polygon %(name)s is now %(code)s (version %(version)s)") % {**change, "name": name}


class GateClosedError(StateForbidsError):
    """Something that the gate of a release asks for does not hold."""

    code = "gate_closed"


class DossierChangedError(StateForbidsError):
    """The dossier of a release is not, or no longer, the one that was read."""

    code = "dossier_changed"


class ReleaseWithdrawnError(BiocciaError):
    """The files of a withdrawn release are no longer given."""

    code, status, title = "release_withdrawn", 410, _("Withdrawn")
