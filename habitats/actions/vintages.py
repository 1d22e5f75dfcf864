"""Every write about vintages and what is drawn and counted from them."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import pgtrigger
import structlog
from django.db import connection, transaction
from django.db.models import SET_NULL, ManyToOneRel
from django.utils.translation import gettext as _

from bioccia.errors import StateForbidsError
from habitats.models import GeneralisedPolygon, Polygon, TerritoryStatistic, TerritoryTransition, Vintage
from habitats.states import VINTAGE_MOVES, VintageState
from ml.models import Run

logger = structlog.get_logger(__name__)
POLYGON_COLUMNS = (
    "vintage_id",
    "number",
    "habitat_type_id",
    "confidence",
    "runner_up_1_id",
    "runner_up_1_share",
    "runner_up_2_id",
    "runner_up_2_share",
    "area_m2",
    "version",
    "geometry",
    "geometry_3857",
)
GENERALISED_COLUMNS = ("vintage_id", "max_zoom", "habitat_type_id", "geometry_3857")


def discard_unfinished(*, run: Run) -> None:
    """Remove what an earlier attempt of the same run left half made."""
    for vintage in Vintage.objects.filter(run=run, state=VintageState.BUILDING):
        _remove_polygons(vintage)
        vintage.delete()


def _remove_polygons(vintage: Vintage) -> None:
    """Remove a whole map, in one statement a table and without an event for each polygon: the history is of decisions.

    Django would read every polygon to find the few rows that point at one.
    """
    for relation in Polygon._meta.get_fields(include_hidden=True):
        if isinstance(relation, ManyToOneRel) and relation.on_delete is SET_NULL:
            name = relation.field.name
            pointing = relation.related_model._base_manager.filter(**{f"{name}__vintage": vintage})
            pointing.update(**{name: None})
    with pgtrigger.ignore("habitats.Polygon:delete_delete"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM habitats_polygon WHERE vintage_id = %s", [vintage.pk])


def create_vintage(*, run: Run, at: datetime.datetime, **facts: Any) -> Vintage:
    """Make the vintage that a run maps, not yet shown.

    Args:
        run: the run.
        at: the moment.
        **facts: `version`, `classes`, `confidence`, `runner_ups`, `small_features`, `minimum_unit_px`, `metrics`.
    """
    return Vintage.objects.create(region_id=run.region_id, year=run.year, run=run, created_at=at, **facts)


def load_polygons(*, vintage: Vintage, rows: Iterable[tuple[Any, ...]]) -> None:
    """COPY polygons into a vintage that is being made.

    Args:
        vintage: the vintage.
        rows: tuples after POLYGON_COLUMNS; geometries as hexadecimal EWKB.
    """
    _copy(Polygon._meta.db_table, POLYGON_COLUMNS, rows)
    totals = "SELECT count(*), coalesce(sum(area_m2), 0) FROM habitats_polygon WHERE vintage_id = %s"
    with connection.cursor() as cursor:
        cursor.execute(totals, [vintage.pk])
        vintage.polygon_count, vintage.area_m2 = cursor.fetchone()
    vintage.save(update_fields=["polygon_count", "area_m2"])


def store_generalised(*, rows: Iterable[tuple[Any, ...]]) -> None:
    """COPY the polygons of low zooms; tuples after GENERALISED_COLUMNS."""
    _copy(GeneralisedPolygon._meta.db_table, GENERALISED_COLUMNS, rows)


def _copy(table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    names = ", ".join(columns)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {table}")  # the next request plans with what has just come in


def store_statistics(*, vintage: Vintage, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write areas by territory and habitat."""
    statistics = [TerritoryStatistic(vintage=vintage, **row) for row in rows]
    TerritoryStatistic.objects.bulk_create(statistics, batch_size=5000)
    return len(statistics)


def store_transitions(*, vintage: Vintage, earlier: Vintage, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write areas by territory, habitat before and habitat after."""
    transitions = [TerritoryTransition(vintage=vintage, earlier=earlier, **row) for row in rows]
    TerritoryTransition.objects.bulk_create(transitions, batch_size=5000)
    return len(transitions)


def record_metrics(*, vintage: Vintage, metrics: Mapping[str, Any]) -> None:
    """Keep the scores of the class raster on the selection blocks."""
    vintage.metrics = dict(metrics)
    vintage.save(update_fields=["metrics"])


@transaction.atomic
def open_vintage(*, vintage: Vintage) -> None:
    """Show a finished vintage to people with a mandate, in place of the working one of its year."""
    _replace(vintage, VintageState.WORKING)
    _move(vintage, "open")


@transaction.atomic
def publish_vintage(*, vintage: Vintage, at: datetime.datetime) -> Vintage:
    """Show a working vintage to everybody, in place of the published one of its year.

    A release is the only door to it: two people have signed, and the caller has checked that they have.

    Args:
        vintage: a working vintage.
        at: the moment.

    Raises:
        StateForbidsError: it is not a working vintage.
    """
    held = Vintage.objects.select_for_update().get(pk=vintage.pk)
    _replace(held, VintageState.PUBLISHED)
    held.published_at = at
    _move(held, "publish")
    logger.info("vintage published", vintage=held.pk, year=held.year)
    return held


@transaction.atomic
def withdraw_vintage(*, vintage: Vintage) -> None:
    """Show a published vintage to nobody any more; its polygons stay, for an erratum.

    Raises:
        StateForbidsError: it is not the published one.
    """
    held = Vintage.objects.select_for_update().get(pk=vintage.pk)
    if held.state != VintageState.PUBLISHED:
        raise StateForbidsError(_("Only a published map is withdrawn."))
    _move(held, "replace")
    logger.info("vintage withdrawn", vintage=held.pk, year=held.year)


@transaction.atomic
def forget_counts(*, vintage: Vintage) -> None:
    """Remove what was drawn and counted from a working vintage, in the transaction that does it again.

    Raises:
        StateForbidsError: it is not a working vintage: what has been published stays as it was cited.
    """
    held = Vintage.objects.select_for_update().get(pk=vintage.pk)
    if held.state != VintageState.WORKING:
        raise StateForbidsError(_("Only a working vintage is counted again."))
    held.statistics.all().delete()
    held.transitions.all().delete()


@transaction.atomic
def forget_low_zooms(*, vintage: Vintage) -> None:
    """Remove the generalised maps of a working vintage, in the transaction that draws them again.

    Raises:
        StateForbidsError: it is not a working vintage.
    """
    held = Vintage.objects.select_for_update().get(pk=vintage.pk)
    if held.state != VintageState.WORKING:
        raise StateForbidsError(_("Only a working vintage is drawn again."))
    held.generalised.all().delete()


def _replace(vintage: Vintage, state: VintageState) -> None:
    same_year = Vintage.objects.select_for_update().filter(region=vintage.region_id, year=vintage.year, state=state)
    for earlier in same_year.exclude(pk=vintage.pk):
        _move(earlier, "replace")
        if state == VintageState.WORKING:  # what has once been public stays, for whoever cited it
            _remove_polygons(earlier)
            earlier.generalised.all().delete()


def _move(vintage: Vintage, move: str) -> None:
    allowed, state = VINTAGE_MOVES[move]
    if vintage.state not in allowed:
        raise StateForbidsError(
            _("Vintage %(year)s is %(state)s: this cannot be done to it.")
            % {"year": vintage.year, "state": vintage.get_state_display()}
        )
    vintage.state = state
    vintage.save(update_fields=["state", "published_at"])
