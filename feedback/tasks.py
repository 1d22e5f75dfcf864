"""Doorbells of feedback."""

from celery import shared_task
from django.utils import timezone

from feedback import publication, yearly_cycle


@shared_task(name="feedback.play_publication")
def play_publication(run_id: int) -> None:
    """Play the publication of a release."""
    publication.play_publication(run_id)


@shared_task(name="feedback.advance_cycles")
def advance_cycles() -> None:
    """Pass every yearly cycle through what is due."""
    yearly_cycle.advance_open_cycles(at=timezone.now())
