import threading
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from territories import actions, tasks
from territories.models import OutboxMessage
from tests.factories import AN_INSTANT, DAY, MINUTE, OutboxMessageFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def broken_server(monkeypatch):
    failure = SMTPServerDisconnected("nobody there")
    monkeypatch.setattr("django.core.mail.EmailMessage.send", lambda self: (_ for _ in ()).throw(failure))


def test_waiting_mail_leaves_once_oldest_first():
    OutboxMessageFactory(subject="second", created_at=AN_INSTANT + MINUTE)
    OutboxMessageFactory(subject="first")
    assert [actions.send_waiting_mail(at=AN_INSTANT), actions.send_waiting_mail(at=AN_INSTANT)] == [2, 0]
    assert [message.subject for message in mail.outbox] == ["first", "second"]
    assert set(OutboxMessage.objects.values_list("sent_at", flat=True)) == {AN_INSTANT}


def test_a_batch_is_bounded(settings):
    settings.MAIL_BATCH = 2
    OutboxMessageFactory.create_batch(3)
    assert [actions.send_waiting_mail(at=AN_INSTANT) for _ring in range(3)] == [2, 1, 0]


def test_a_server_that_fails_is_asked_again_later_each_time_and_given_up(broken_server, settings):
    settings.MAIL_MAX_FAILURES = 3
    message = OutboxMessageFactory()
    rests = []
    now = AN_INSTANT
    for _attempt in range(3):
        assert actions.send_waiting_mail(at=now) == 0
        message.refresh_from_db()
        rests.append(message.next_try_at - now)
        assert actions.send_waiting_mail(at=now) == 0  # it rests
        now = message.next_try_at
    assert rests == [MINUTE, 2 * MINUTE, 4 * MINUTE]
    assert (message.failures, message.sent_at) == (3, None)
    assert "nobody there" in message.last_failure
    assert list(OutboxMessage.objects.given_up()) == [message]
    assert not OutboxMessage.objects.due(now + DAY).exists()


def test_one_bad_address_does_not_hold_the_others(monkeypatch):
    def send(message):
        if "bad" in message.to[0]:
            raise SMTPRecipientsRefused({message.to[0]: (550, b"unknown")})

    monkeypatch.setattr("django.core.mail.EmailMessage.send", send)
    OutboxMessageFactory(recipient="bad@example.org")
    OutboxMessageFactory()
    assert actions.send_waiting_mail(at=AN_INSTANT) == 1


def test_a_subject_over_two_lines_is_one_header():
    OutboxMessageFactory(subject="Bonjour\nBcc: everybody@example.org")
    actions.send_waiting_mail(at=AN_INSTANT)
    assert mail.outbox[0].subject == "Bonjour Bcc: everybody@example.org"
    assert mail.outbox[0].recipients() == ["someone@example.org"]


def test_the_copy_of_a_mail_sent_twice_carries_the_same_identifier():
    message = OutboxMessageFactory()
    actions.send_waiting_mail(at=AN_INSTANT)
    OutboxMessage.objects.filter(pk=message.pk).update(sent_at=None)
    actions.send_waiting_mail(at=AN_INSTANT)
    first, second = (sent.extra_headers["Message-ID"] for sent in mail.outbox)
    assert first == second


def test_the_doorbell_sends_now():
    message = OutboxMessageFactory()
    tasks.send_mail()
    message.refresh_from_db()
    assert message.sent_at <= timezone.now()


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_mail_once():
    OutboxMessageFactory.create_batch(10)
    counts = []

    def ring():
        try:
            counts.append(actions.send_waiting_mail(at=AN_INSTANT))
        finally:
            connection.close()

    threads = [threading.Thread(target=ring) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == len(mail.outbox) == 10
