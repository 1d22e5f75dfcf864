"""The draw of an audit sample: before anything of its year is mapped, its seed and its hash public at once."""

import datetime
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import structlog
from django.conf import settings
from django.contrib.gis.geos import Point
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError, StateForbidsError
from habitats.models import AuditPoint, AuditSample, Vintage
from habitats.queries.audit import audit_of, facts_of, hash_of_secret
from habitats.stacks import stack_paths
from habitats.states import AuditState
from ml.compute.errors import ComputeError
from ml.compute.sampling import ALGORITHM, Draw, canonical_text, draw_from_classes, draw_from_stack, hash_text
from ml.models import RunStep
from ml.storage import path_of
from territories.models import Region, User
from territories.permissions import require_everywhere

logger = structlog.get_logger(__name__)
# Beyond, a program that reads JSON numbers as floats would lose digits of the seed.
LARGEST_SEED = 2**53 - 1
MAPPING_STEP = "map_by_windows"


def draw_audit_sample(
    *, region: Region, year: int, size: int, seed: int, by: User | None, at: datetime.datetime
) -> AuditSample:
    """Draw the audit sample of a year, before anything of the year is mapped; seed and hash are public at once.

    Args:
        region: the region.
        year: a year that nobody has begun to map.
        size: points.
        seed: announced beforehand, so that nobody chooses among draws.
        by: a release administrator; None is the operator at the machine's console.
        at: the moment.

    Raises:
        NotAllowedError: no `release`.
        InvalidFieldsError: a size or seed that cannot be drawn with; without an earlier map, a year without a stack.
        StateForbidsError: the year is being mapped or was, or has its audit sample.
    """
    if audit_of(year) is not None:
        raise StateForbidsError(_("The audit sample of %(year)s is drawn already.") % {"year": year})
    return _draw_and_store(AuditSample(region=region, year=year, size=size, seed=seed, drawn_by=by, drawn_at=at))


def redraw_audit_sample(
    *, audit: AuditSample, size: int, seed: int, reason: str, by: User | None, at: datetime.datetime
) -> AuditSample:
    """Draw the year's sample again under the next number; the earlier draw stays listed with its hash.

    Raises:
        NotAllowedError: no `release`.
        InvalidFieldsError: no reason, or as for `draw_audit_sample`.
        StateForbidsError: the earlier one has labels already, or the year is being mapped or was.
    """
    latest = audit_of(audit.year)
    if latest is None or latest.pk != audit.pk or latest.state != AuditState.DRAWN:
        raise StateForbidsError(_("Only the last draw of a year, before its first label, can be drawn again."))
    if not reason.strip():
        raise InvalidFieldsError(_("Say why it is drawn again."), fields={"reason": _("Say why.")})
    again = AuditSample(region=audit.region, year=audit.year, size=size, seed=seed, drawn_by=by, drawn_at=at)
    again.number, again.reason = audit.number + 1, reason.strip()
    return _draw_and_store(again)


def _draw_and_store(audit: AuditSample) -> AuditSample:
    if audit.drawn_by is not None:
        require_everywhere(audit.drawn_by, "release", on=audit.drawn_at.date())
    if not 0 <= audit.seed <= LARGEST_SEED:
        fault = _("Type a whole number from 0 to %(largest)s.") % {"largest": LARGEST_SEED}
        raise InvalidFieldsError(_("This seed cannot be drawn with."), fields={"seed": fault})
    _require_not_mapped(audit)
    # The truth of a simulated region is known anyway, and its demonstration plays the same in every clone.
    audit.secret = "" if audit.region.is_simulated else secrets.token_hex(16)
    try:
        draw, source = _draw(audit)
    except ComputeError as error:
        raise InvalidFieldsError(str(error)) from error
    audit.design, audit.strata_areas = _design_of(draw, source, audit.secret), draw.areas
    audit.sha256 = hash_text(canonical_text(draw, facts_of(audit)))
    try:
        with transaction.atomic():
            _require_not_mapped(audit)  # reading the strata takes a while
            audit.save()
            AuditPoint.objects.bulk_create(_points_of(audit, draw), batch_size=1000)
    except IntegrityError as error:
        raise StateForbidsError(_("The audit sample of %(year)s is drawn already.") % {"year": audit.year}) from error
    logger.info("audit drawn", audit=audit.pk, year=audit.year, size=audit.size, sha256=audit.sha256)
    return audit


def _require_not_mapped(audit: AuditSample) -> None:
    """The draw stands before the map: nobody may aim the one at the other."""
    is_mapped = RunStep.objects.filter(name=MAPPING_STEP, run__year=audit.year, run__region=audit.region).exists()
    if is_mapped or Vintage.objects.filter(region=audit.region, year=audit.year).exists():
        raise StateForbidsError(
            _("%(year)s is being mapped, or has a map: its audit sample had to be drawn before.") % {"year": audit.year}
        )


def _draw(audit: AuditSample) -> tuple[Draw, dict[str, Any]]:
    """The points, and where the strata come from: the last map published, else the ground itself."""
    asked: dict[str, Any] = {"size": audit.size, "seed": audit.seed, "secret": audit.secret}
    earlier = Vintage.objects.published().filter(region=audit.region, year__lt=audit.year)
    vintage = earlier.select_related("classes").order_by("-year", "-pk").first()
    if vintage is None:
        return draw_from_stack(stack_paths(audit.region, audit.year), **asked), {"stack": audit.year}
    source = {"vintage": vintage.year, "class_raster_sha256": vintage.classes.sha256}
    return draw_from_classes(path_of(vintage.classes), **asked), source


def _design_of(draw: Draw, source: Mapping[str, Any], secret: str) -> dict[str, Any]:
    """How the points were drawn: all that another person needs to draw them again."""
    return {
        "strata": draw.strata,
        "source": dict(source),
        "cells": draw.cells,
        "points": draw.sizes,
        "algorithm": ALGORITHM,
        "code_version": Path(settings.BASE_DIR, "VERSION").read_text().strip(),
        "secret_sha256": hash_of_secret(secret),
    }


def _points_of(audit: AuditSample, draw: Draw) -> list[AuditPoint]:
    rows = []
    for drawn in draw.points:
        place = cast("Point", Point(drawn.x, drawn.y, srid=audit.region.epsg).transform(4326, clone=True))
        rows.append(
            AuditPoint(
                audit=audit,
                number=drawn.number,
                point=place,
                x=drawn.x,
                y=drawn.y,
                stratum=drawn.stratum,
                inclusion_probability=drawn.inclusion_probability,
            )
        )
    return rows
