"""The edge to the mail server."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage

from territories.models import OutboxMessage


class NotDeliveredError(Exception):
    """The mail server did not take a message; why, in a sentence for the log."""


def deliver(message: OutboxMessage) -> None:
    """Hand one message to the mail server.

    Its Message-ID is that of its row: where a worker dies between sending and noting, the second copy carries the same
    and mail programs show one.

    Raises:
        NotDeliveredError: the server refused it, or did not answer.
    """
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    mail = EmailMessage(
        subject=" ".join(message.subject.split()),
        body=message.body,
        to=[message.recipient],
        headers={"Message-ID": f"<outbox-{message.pk}-{message.created_at:%Y%m%d%H%M%S%f}@{domain}>"},
    )
    try:
        mail.send()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise NotDeliveredError(f"{type(error).__name__}: {error}") from error
