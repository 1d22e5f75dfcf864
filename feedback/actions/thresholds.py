"""What a release must reach, fixed before its map is made."""

import datetime

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError, StateForbidsError
from feedback.models import ReleaseThresholds
from ml.models import Run
from ml.states import RunKind
from territories.models import Region, User
from territories.permissions import require_everywhere

logger = structlog.get_logger(__name__)


@transaction.atomic
def fix_thresholds(
    *, region: Region, year: int, overall_accuracy: float, macro_f1: float, by: User, at: datetime.datetime
) -> ReleaseThresholds:
    """Say what the map of a year must reach; until it is begun, the last word counts.

    Args:
        region: the region.
        year: the year that will be mapped.
        overall_accuracy: least lower end of the interval, by the audit sample (0-1).
        macro_f1: least macro-F1 on the selection blocks (0-1).
        by: a release administrator of the whole region.
        at: the moment.

    Raises:
        NotAllowedError: no `release` on the whole region.
        InvalidFieldsError: a figure is not between 0 and 1.
        StateForbidsError: the map of the year was begun.
    """
    require_everywhere(by, "release", on=at.date())
    asked = {"overall_accuracy": overall_accuracy, "macro_f1": macro_f1}
    wrong = {name: _("A share from 0 to 1.") for name, value in asked.items() if not 0 <= value <= 1}
    if wrong:
        raise InvalidFieldsError(_("A threshold is a share from 0 to 1, such as 0.75."), fields=wrong)
    Region.objects.select_for_update().get(pk=region.pk)  # a run asked for at this moment waits, or came first
    if Run.objects.filter(region=region, year=year, kind__in=[RunKind.YEAR, RunKind.MAPPING]).exists():
        raise StateForbidsError(
            _("The map of %(year)s has been begun: its thresholds can no longer be chosen.") % {"year": year}
        )
    thresholds, _created = ReleaseThresholds.objects.update_or_create(
        region=region, year=year, defaults={**asked, "fixed_by": by, "fixed_at": at}
    )
    logger.info("thresholds fixed", year=year, by=by.pk, **asked)
    return thresholds
