"""Doorbells of territories."""

from celery import shared_task
from django.utils import timezone

from territories import actions
from territories.models import User


@shared_task(name="territories.refresh_grants")
def refresh_grants() -> None:
    """Mandates that began or ended today change groups today."""
    for user in User.objects.filter(mandates__isnull=False).distinct():
        actions.refresh_grants_of(user, on=timezone.localdate())


@shared_task(name="territories.send_mail")
def send_mail() -> None:
    """Send what waits in the outbox."""
    actions.send_waiting_mail(at=timezone.now())
