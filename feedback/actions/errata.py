"""What can still happen to a published release: it is withdrawn, or an erratum is opened on it. It never changes."""

import datetime

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError, StateForbidsError
from feedback.models import Release
from feedback.states import RELEASE_MOVES, ReleaseState
from habitats.actions import copy_vintage, withdraw_vintage
from habitats.models import Vintage
from ml.actions import register_published_map
from territories.models import User
from territories.permissions import require_everywhere

logger = structlog.get_logger(__name__)


@transaction.atomic
def withdraw_release(*, release: Release, by: User, reason: str, at: datetime.datetime) -> Release:
    """Take a release back: its page says why, its files and its map are no longer given.

    Args:
        release: published or superseded.
        by: a release administrator of the whole region.
        reason: for everybody to read.
        at: the moment.

    Raises:
        NotAllowedError: no `release` on the whole region.
        InvalidFieldsError: no reason.
        StateForbidsError: it is not published, or it is withdrawn already.
    """
    require_everywhere(by, "release", on=at.date())
    if not reason.strip():
        sentence = _("Say why, for those who have cited this release: its page shows it.")
        raise InvalidFieldsError(sentence, fields={"reason": sentence})
    held = Release.objects.select_for_update().get(pk=release.pk)
    allowed, state = RELEASE_MOVES["withdraw"]
    if held.state not in allowed:
        raise StateForbidsError(
            _("Release %(release)s is %(state)s: it cannot be withdrawn.")
            % {"release": held, "state": held.get_state_display()}
        )
    if held.state == ReleaseState.PUBLISHED:
        withdraw_vintage(vintage=held.vintage)
        register_published_map(year=held.year, layers={})
    held.state, held.ended_at, held.ended_reason = state, at, reason.strip()
    held.save(update_fields=["state", "ended_at", "ended_reason"])
    logger.info("release withdrawn", release=str(held), by=by.pk)
    return held


@transaction.atomic
def open_erratum(*, release: Release, by: User, at: datetime.datetime) -> Vintage:
    """Make a working map of the same year out of the last release of the year, so that it can be corrected.

    Args:
        release: the one that stands, or the last one of the year where it was withdrawn.
        by: a release administrator of the whole region.
        at: the moment.

    Raises:
        NotAllowedError: no `release` on the whole region.
        StateForbidsError: it is not the last published release of its year, or the year has a working map already.
    """
    require_everywhere(by, "release", on=at.date())
    held = Release.objects.select_for_update().get(pk=release.pk)
    last = Release.objects.public().filter(region=held.region_id, year=held.year).order_by("-number").first()
    if last != held:
        raise StateForbidsError(
            _("An erratum corrects the last release of its year, and this is not it: open it on the page of %(last)s.")
            % {"last": last or held.year}
        )
    copy = copy_vintage(vintage=held.vintage, at=at)
    logger.info("erratum opened", release=str(held), vintage=copy.pk, by=by.pk)
    return copy
