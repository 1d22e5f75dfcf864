"""A working copy of a published map, so that an erratum can be decided on it."""

import datetime

import structlog
from django.db import connection, transaction
from django.utils.translation import gettext as _

from bioccia.errors import StateForbidsError
from habitats.actions.corrections import copy_corrections
from habitats.models import GeneralisedPolygon, Polygon, TerritoryStatistic, TerritoryTransition, Vintage
from habitats.states import VintageState

logger = structlog.get_logger(__name__)
# Each row as it is, versions included, under the copy: a million polygons never pass through Python.
COPIED = {
    Polygon: (
        "number, habitat_type_id, confidence, runner_up_1_id, runner_up_1_share, runner_up_2_id, runner_up_2_share, "
        "area_m2, version, geometry, geometry_3857"
    ),
    GeneralisedPolygon: "max_zoom, habitat_type_id, geometry_3857",
    TerritoryStatistic: "territory_id, habitat_type_id, area_m2",
    TerritoryTransition: "earlier_id, territory_id, from_type_id, to_type_id, area_m2",
}


@transaction.atomic
def copy_vintage(*, vintage: Vintage, at: datetime.datetime) -> Vintage:
    """Make a working vintage of the same year out of one that is or was published.

    Args:
        vintage: a vintage that was published once: its polygons are kept.
        at: the moment.

    Raises:
        StateForbidsError: it was never published, or the year has a working map already.
    """
    held = Vintage.objects.select_for_update().get(pk=vintage.pk)
    if held.published_at is None:
        raise StateForbidsError(_("Only a map that was published is copied for an erratum."))
    if Vintage.objects.filter(region=held.region_id, year=held.year, state=VintageState.WORKING).exists():
        raise StateForbidsError(_("%(year)s has a working map already: correct that one.") % {"year": held.year})
    copy = Vintage.objects.get(pk=held.pk)
    copy.pk, copy.run, copy._state.adding = None, None, True
    copy.state, copy.created_at, copy.published_at = VintageState.WORKING, at, None
    copy.save()
    with connection.cursor() as cursor:
        for model, columns in COPIED.items():
            table = model._meta.db_table
            cursor.execute(
                f"INSERT INTO {table} (vintage_id, {columns}) SELECT %s, {columns} FROM {table} "  # noqa: S608 - constants
                "WHERE vintage_id = %s ORDER BY id",
                [copy.pk, held.pk],
            )
            cursor.execute(f"ANALYZE {table}")
    corrections = copy_corrections(earlier=held, vintage=copy)
    logger.info("vintage copied", vintage=copy.pk, earlier=held.pk, corrections=corrections)
    return copy
