"""Doorbells of habitats."""

from celery import shared_task

from habitats import mapping_year


@shared_task(name="habitats.play_run")
def play_run(run_id: int) -> None:
    """Play a run of any kind."""
    mapping_year.play_run(run_id)
