"""Doorbells of feedback."""

from celery import shared_task
from django.utils import timezone

from feedback import actions, publication, yearly_cycle


@shared_task(name="feedback.play_publication")
def play_publication(run_id: int) -> None:
    """Play the publication of a release."""
    publication.play_publication(run_id)


@shared_task(name="feedback.advance_cycles")
def advance_cycles() -> None:
    """Pass every yearly cycle through what is due."""
    yearly_cycle.advance_open_cycles(at=timezone.now())


@shared_task(name="feedback.turn_rounds")
def turn_rounds() -> None:
    """Open and close the rounds whose moment has come."""
    actions.turn_rounds(at=timezone.now())


@shared_task(name="feedback.follow_new_maps")
def follow_new_maps() -> None:
    """Find the polygons of open reports again where a map was made again."""
    actions.follow_new_maps(at=timezone.now())


@shared_task(name="feedback.expire_reports")
def expire_reports() -> None:
    """Remind authors of questions, and expire what waited too long."""
    actions.expire_reports(at=timezone.now(), simulated=False)
