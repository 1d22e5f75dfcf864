"""Invented photo-interpreters and validators of the demonstration: they label blind, and err at a stated rate."""

import datetime

import numpy as np
from django.utils.translation import gettext as _

from feedback.demo_accounts import person_of
from feedback.simulated_people import Ground, chance
from habitats import actions as habitat_actions
from habitats.models import AuditLabel, AuditPoint, AuditSample, HabitatType
from habitats.queries.audit import audit_of, labellable_types
from habitats.queries.releves import releves_waiting_for
from habitats.states import AuditState, ReleveLevel
from ml.compute.simulation.reviewing import mistake, truth_of_points

BLIND = ("photo", "photo2")
ARBITER = "photo3"
INTERPRETER_ERROR_RATE = 0.02
SURE = 3
DOUBTFUL_SHARE = 0.05


def play_validators(ground: Ground, at: datetime.datetime) -> int:
    """Have the scientific validator judge the relevés of the year that wait.

    Returns:
        Relevés judged by this call.
    """
    validator = person_of("validation")
    waiting = list(releves_waiting_for(validator, on=at.date()).filter(observed_on__year=ground.year))
    for rank, releve in enumerate(waiting):
        is_doubtful = chance(ground.seed, releve.external_id, "validator") < DOUBTFUL_SHARE
        habitat_actions.validate_releve(
            releve=releve,
            level=ReleveLevel.DOUBTFUL if is_doubtful else ReleveLevel.CERTAIN,
            reason=_("The place does not suit the habitat.") if is_doubtful else _("Place and habitat agree."),
            by=validator,
            at=at + datetime.timedelta(minutes=rank),
        )
    return len(waiting)


def play_interpreters(ground: Ground, at: datetime.datetime) -> int:
    """Have two people label every point without seeing each other, and a third one where they differ.

    Returns:
        Labels given, now or in an earlier play.
    """
    audit = audit_of(ground.year)
    if audit is None or audit.state not in (AuditState.DRAWN, AuditState.LABELLING):
        return 0
    truth = _truth(ground, audit)
    types = {one.code: one for one in labellable_types()}
    for mailbox in (*BLIND, ARBITER):
        _label(audit, mailbox, truth, types, at)
    return AuditLabel.objects.filter(point__audit=audit).count()


def _truth(ground: Ground, audit: AuditSample) -> dict[int, str]:
    points = list(AuditPoint.objects.filter(audit=audit).order_by("number"))
    places = np.array([(point.x, point.y) for point in points])
    return dict(zip([p.number for p in points], truth_of_points(ground.truth, places[:, 0], places[:, 1]), strict=True))


def _label(
    audit: AuditSample, mailbox: str, truth: dict[int, str], types: dict[str, HabitatType], at: datetime.datetime
) -> None:
    interpreter = person_of(mailbox)
    waiting = AuditPoint.objects.filter(audit=audit).waiting_for(interpreter.pk).order_by("number")
    for rank, point in enumerate(list(waiting)):
        code = truth[point.number]
        if chance(audit.seed, mailbox, point.number) < INTERPRETER_ERROR_RATE:
            code = mistake(code, np.random.default_rng([audit.seed, point.number]))
        habitat_actions.label_point(
            point=point,
            habitat_type=types.get(code),
            confidence=SURE,
            by=interpreter,
            at=at + datetime.timedelta(seconds=20 * rank),
        )
