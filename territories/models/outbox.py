"""Mail waits here until it is sent, so that a write and its mail are one transaction."""

import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class OutboxMessageQuerySet(models.QuerySet["OutboxMessage"]):
    """Questions about mail."""

    def due(self, at: datetime.datetime) -> Self:
        """Not sent, not given up, and not resting after a failure."""
        waiting = self.filter(sent_at=None, failures__lt=settings.MAIL_MAX_FAILURES)
        return waiting.filter(Q(next_try_at=None) | Q(next_try_at__lte=at))

    def given_up(self) -> Self:
        """Those that failed too often."""
        return self.filter(sent_at=None, failures__gte=settings.MAIL_MAX_FAILURES)


class OutboxMessage(models.Model):
    """One mail to one address."""

    recipient = models.EmailField(_("recipient"))
    subject = models.CharField(_("subject"), max_length=300)
    body = models.TextField(_("text"))
    created_at = models.DateTimeField(_("written at"))
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    failures = models.PositiveSmallIntegerField(_("failed attempts"), default=0)
    next_try_at = models.DateTimeField(_("not again before"), null=True, blank=True)
    last_failure = models.CharField(_("last failure"), max_length=300, blank=True)

    objects = OutboxMessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [models.Index(fields=["created_at"], condition=models.Q(sent_at=None), name="outbox_waiting")]

    def __str__(self) -> str:
        return f"{self.recipient}: {self.subject}"
