"""Doorbells of habitats: ids in, one call, safe twice."""

from celery import shared_task

from habitats import mapping_year, shared_mapping


@shared_task(name="habitats.play_run")
def play_run(run_id: int) -> None:
    """Play a run of any kind."""
    mapping_year.play_run(run_id)


@shared_task(name="habitats.help_map")
def help_map(run_id: int) -> None:
    """Take chunks of the map that a run draws now, until none is left."""
    shared_mapping.help_map(run_id)
