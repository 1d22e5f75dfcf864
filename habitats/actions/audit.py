"""The audit sample after its draw: labelled blind, closed, opened once at the release gate."""

import datetime
from typing import Any

import pandas as pd
import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError, StateForbidsError
from habitats.models import AuditLabel, AuditPoint, AuditSample, HabitatType, Vintage
from habitats.models.audit import BLIND_LABELS, LONGEST_NOTE
from habitats.queries.audit import (
    UNMAPPED,
    facts_of,
    labellable_types,
    legend_parents,
    mapped_types,
    reference_rows,
)
from habitats.states import AUDIT_MOVES, AuditState, LabelConfidence, VintageState
from ml.compute.audit_report import NOT_INTERPRETABLE, report_audit
from ml.compute.errors import ComputeError
from territories.models import User
from territories.permissions import require_everywhere

logger = structlog.get_logger(__name__)


def label_point(
    *,
    point: AuditPoint,
    habitat_type: HabitatType | None,
    confidence: int,
    note: str = "",
    by: User,
    at: datetime.datetime,
) -> AuditLabel:
    """Say what stands at a point; the same person may correct their own label until the labelling closes.

    The first two people label blind; a third one, where these disagree, decides without knowing it.

    Args:
        point: a point of a sample that is not closed.
        habitat_type: a habitat that the map may show; None where the images do not allow to say.
        confidence: 1 to 3.
        note: what helps to understand the label.
        by: who labels.
        at: the moment.

    Raises:
        NotAllowedError: no `interpret`.
        InvalidFieldsError: a heading or a habitat outside the legend, or a confidence that does not exist.
        StateForbidsError: the labelling is closed, or the point needs no further label.
    """
    require_everywhere(by, "interpret", on=at.date())
    _check_label(habitat_type, confidence, note)
    with transaction.atomic():
        audit = AuditSample.objects.select_for_update().get(pk=point.audit_id)
        if audit.state != AuditState.LABELLING:
            _move(audit, "label")
            audit.save(update_fields=["state"])
        given = list(AuditLabel.objects.filter(point=point))
        label = next((one for one in given if one.interpreter_id == by.pk), None)
        if label is None:
            label = AuditLabel(point=point, interpreter=by, is_arbitration=_is_arbitration(given))
        label.habitat_type, label.confidence, label.note, label.labelled_at = habitat_type, confidence, note.strip(), at
        label.save()
    logger.info("audit point labelled", audit=audit.pk, by=by.pk)  # neither which point nor what: logs are read
    return label


def close_labelling(*, audit: AuditSample, at: datetime.datetime, by: User | None = None) -> AuditSample:
    """End the labelling once every point has its reference; nobody changes a label from then on.

    Args:
        audit: a sample being labelled.
        at: the moment.
        by: a release administrator; None is the yearly cycle or the console.

    Raises:
        NotAllowedError: no `release`.
        StateForbidsError: it is not being labelled, or points lack a label or an arbitration.
    """
    if by is not None:
        require_everywhere(by, "release", on=at.date())
    with transaction.atomic():
        held = AuditSample.objects.select_for_update().get(pk=audit.pk)
        _move(held, "close")
        lacking = AuditPoint.objects.filter(audit=held).without_reference().count()
        if lacking:
            raise StateForbidsError(
                _("%(count)s points still lack a label or an arbitration: they must be labelled first.")
                % {"count": lacking}
            )
        held.closed_at = at
        held.save(update_fields=["state", "closed_at"])
    logger.info("audit labelling closed", audit=held.pk, by=by and by.pk)
    return held


def open_audit(*, audit: AuditSample, vintage: Vintage, by: User | None, at: datetime.datetime) -> dict[str, Any]:
    """Open the sealed points at the release gate: compare them with the corrected polygons, once for ever.

    Args:
        audit: a sample whose labelling is closed.
        vintage: the working vintage of the same year.
        by: a release administrator; None is the console.
        at: the moment.

    Returns:
        The assessment, which the sample keeps.

    Raises:
        NotAllowedError: no `release`.
        StateForbidsError: not closed, opened already, or a vintage of another year or not to be released.
    """
    if by is not None:
        require_everywhere(by, "release", on=at.date())
    with transaction.atomic():
        held = AuditSample.objects.select_for_update().select_related("region").get(pk=audit.pk)
        _move(held, "open")
        _check_vintage(held, vintage)
        _keep_mapped_types(held, vintage)
        held.assessment = assess_audit(held, vintage)
        held.vintage, held.opened_by, held.opened_at = vintage, by, at
        held.save(update_fields=["state", "assessment", "vintage", "opened_by", "opened_at"])
    logger.info("audit opened", audit=held.pk, vintage=vintage.pk, by=by and by.pk)
    audit.refresh_from_db()
    return held.assessment


def assess_audit(audit: AuditSample, vintage: Vintage) -> dict[str, Any]:
    """The figures of a vintage's accuracy from the points whose map classes were just kept."""
    rows = reference_rows(audit)
    points = pd.DataFrame(
        {
            "stratum": [row["point"].stratum for row in rows],
            "map": [row["point"].map_type.code if row["point"].map_type else UNMAPPED for row in rows],
            "reference": [row["reference"].code if row["reference"] else NOT_INTERPRETABLE for row in rows],
        }
    )
    try:
        report = report_audit(points, audit.strata_areas, parents=legend_parents())
    except ComputeError as error:
        raise StateForbidsError(str(error)) from error
    arbitrated = sum(row["was_arbitrated"] for row in rows)
    return report | {
        "audit": {**facts_of(audit), "sha256": audit.sha256},  # no moment: releases carry it, and have one hash
        "vintage": {
            "year": vintage.year,
            "version": vintage.version.number,
            "corrections": vintage.corrections.count(),  # those that come after the opening are not assessed
        },
        "labels": {"agreed": len(rows) - arbitrated, "arbitrated": arbitrated},
    }


def _check_label(habitat_type: HabitatType | None, confidence: int, note: str) -> None:
    wrong = {}
    if confidence not in LabelConfidence.values:
        wrong["confidence"] = _("Choose 1, 2 or 3.")
    if len(note) > LONGEST_NOTE:
        wrong["note"] = _("Shorten the note to 500 characters.")
    if habitat_type is not None and not labellable_types().filter(pk=habitat_type.pk).exists():
        wrong["habitat_type"] = _("Choose a habitat of the legend, not a heading.")
    if wrong:
        raise InvalidFieldsError(_("The label is not complete."), fields=wrong)


def _is_arbitration(given: list[AuditLabel]) -> bool:
    """Whether the next label decides between two; refused where none is needed."""
    if len(given) < BLIND_LABELS:
        return False
    if len(given) > BLIND_LABELS or len({label.habitat_type_id for label in given}) == 1:
        raise StateForbidsError(_("This point needs no further label: go on to the next one."))
    return True


def _check_vintage(audit: AuditSample, vintage: Vintage) -> None:
    is_its_own = (vintage.region_id, vintage.year) == (audit.region_id, audit.year)
    if not is_its_own or vintage.state not in (VintageState.WORKING, VintageState.PUBLISHED):
        raise StateForbidsError(
            _("Audit sample %(audit)s is opened for the vintage of its year that is about to be released.")
            % {"audit": audit}
        )


def _keep_mapped_types(audit: AuditSample, vintage: Vintage) -> None:
    shown = mapped_types(audit, vintage)
    points = list(AuditPoint.objects.filter(audit=audit).only("pk"))
    for point in points:
        point.map_type_id = shown[point.pk]
    AuditPoint.objects.bulk_update(points, ["map_type"], batch_size=500)


def _move(audit: AuditSample, move: str) -> None:
    allowed, state = AUDIT_MOVES[move]
    if audit.state not in allowed:
        raise StateForbidsError(
            _("Audit sample %(audit)s is %(state)s: this cannot be done to it.")
            % {"audit": audit, "state": audit.get_state_display()}
        )
    audit.state = state
