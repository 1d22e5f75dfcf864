"""What scientific validators do: levels, with their reason; correspondences confirmed."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError, NotAllowedError, StateForbidsError
from habitats.actions.releves.samples import follow_with_sample
from habitats.models import Determination, HabitatType, Releve, ReleveValidation
from habitats.permissions import may_change, may_judge, require_judge
from habitats.queries import region_or_error
from habitats.queries.resolution import HabitatResolver
from habitats.states import RELEVE_MOVES, ReleveLevel, Resolution
from territories.models import User

logger = structlog.get_logger(__name__)


@transaction.atomic
def validate_releve(
    *,
    releve: Releve,
    level: int,
    reason: str,
    by: User,
    at: datetime.datetime,
    seen_at: datetime.datetime | None = None,
) -> Releve:
    """Give a relevé its level; its sample follows in the same transaction.

    Args:
        releve: a submitted one, of another organisation.
        level: a ReleveLevel.
        reason: why, for its author and for whoever comes after.
        by: a scientific validator with a mandate there.
        at: the moment.
        seen_at: when its page was shown; what changed since is not judged unseen.

    Raises:
        NotAllowedError: no mandate there, or the same organisation.
        StateForbidsError: it is a draft, or changed since it was shown.
        InvalidFieldsError: no reason, or no such level.
    """
    _check_judgement(level, reason)
    return _judged(releve.pk, _Judgement(level, reason.strip(), seen_at), by, at)


@transaction.atomic
def validate_releves(
    *,
    releves: Sequence[Releve],
    level: int,
    reason: str,
    by: User,
    at: datetime.datetime,
    seen_at: datetime.datetime | None = None,
) -> list[Releve]:
    """Give several relevés one level, all or none, as `validate_releve` does."""
    _check_judgement(level, reason)
    if not releves:
        raise InvalidFieldsError(_("Choose at least one relevé."), fields={"releves": _("Choose at least one.")})
    # In one order, so that two validators never wait for each other.
    judgement = _Judgement(level, reason.strip(), seen_at)
    return [_judged(pk, judgement, by, at) for pk in sorted(releve.pk for releve in releves)]


@transaction.atomic
def confirm_habitat(
    *, determination: Determination, habitat_type: HabitatType, by: User, at: datetime.datetime
) -> Determination:
    """Say which row of the legend a cited habitat is, among those that its correspondences give.

    Args:
        determination: one that the legend does not hold itself.
        habitat_type: one of its candidates.
        by: who may judge the relevé; its author too, before anybody judged it.
        at: the moment.

    Raises:
        NotAllowedError: neither.
        StateForbidsError: the legend holds the habitat itself: there is nothing to choose.
        InvalidFieldsError: not a candidate.
    """
    releve = _locked(determination.releve_id)
    held = Determination.objects.select_related("cited_type__typology").get(pk=determination.pk)
    on = timezone.localdate(at)
    is_authors = releve.level == ReleveLevel.WAITING and may_change(by, releve, on=on)
    if not (is_authors or may_judge(by, releve, on=on)):
        raise NotAllowedError(
            _("A correspondence is confirmed by a validator of another organisation, or by the author before that.")
        )
    if held.resolution == Resolution.EXACT or held.cited_type is None:
        raise StateForbidsError(_("There is nothing to choose: correct the habitat of the relevé instead."))
    candidates = HabitatResolver(region_or_error().typology_code).candidates(held.cited_type)
    if habitat_type not in candidates:
        raise InvalidFieldsError(
            _("%(habitat)s is not among the correspondences of %(cited)s.") % {"habitat": habitat_type, "cited": held},
            fields={"habitat": _("Choose one of those listed.")},
        )
    held.resolved_type, held.resolution = habitat_type, Resolution.CONFIRMED
    held.confirmed_by, held.confirmed_at = by, at
    held.save()
    follow_with_sample(releve, at=at)
    logger.info("correspondence confirmed", determination=held.pk, habitat=habitat_type.code, by=by.pk)
    return held


def _check_judgement(level: int, reason: str) -> None:
    wrong = {}
    if level not in ReleveLevel.values:
        wrong["level"] = _("Choose one of the levels 0 to 6.")
    if not reason.strip():
        wrong["reason"] = _("Say why, in a few words.")
    if wrong:
        raise InvalidFieldsError(_("A judgement has a level and a reason."), fields=wrong)


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What a validator says, and when they were shown what they judge."""

    level: int
    reason: str
    seen_at: datetime.datetime | None


def _judged(pk: int, judgement: _Judgement, by: User, at: datetime.datetime) -> Releve:
    releve = _locked(pk)
    require_judge(by, releve, on=timezone.localdate(at))
    allowed, _state = RELEVE_MOVES["judge"]
    if releve.state not in allowed:
        raise StateForbidsError(_("%(releve)s is a draft: its author has not submitted it.") % {"releve": releve})
    if judgement.seen_at is not None and releve.changed_at > judgement.seen_at:
        raise StateForbidsError(
            _("%(releve)s was changed since its page was shown to you: look at it again, then judge it.")
            % {"releve": releve}
        )
    level = judgement.level
    ReleveValidation.objects.create(releve=releve, level=level, by=by, at=at, reason=judgement.reason)
    releve.level, releve.is_stale = level, False
    releve.save(update_fields=["level", "is_stale"])
    follow_with_sample(releve, at=at)
    logger.info("releve judged", releve=releve.pk, level=int(level), by=by.pk)
    return releve


def _locked(pk: int) -> Releve:
    return Releve.objects.select_for_update(of=("self",)).select_related("dataset", "sample").get(pk=pk)
