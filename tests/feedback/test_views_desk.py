import datetime
import json

import pytest
from django.urls import reverse
from django.utils import timezone

from feedback import actions
from feedback.models import Report
from feedback.states import ReportState
from territories.states import Role
from tests import factories
from tests.feedback.desk_ground import make_ground, send

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}


@pytest.fixture
def ground():
    return make_ground()


@pytest.fixture
def desk(client, ground):
    """The pages, as an adjudicator of the whole region sees them."""
    client.force_login(ground.adjudicator)
    return client


def page(client, name="feedback:desk", *arguments, **parameters):
    return client.get(reverse(name, args=arguments), parameters, headers=ENGLISH)


def sheet(client, report):
    return page(client, "feedback:desk-report", report.pk)


def post(client, name, report, **fields):
    return client.post(reverse(f"feedback:desk-{name}", args=[report.pk]), fields, headers=ENGLISH)


def take(report, person):
    return actions.take_report(report=report, by=person, at=timezone.now())


def decision(report, **fields):
    """What the form of an accepted report sends."""
    line = report.polygons.get()
    return {
        "outcome": "accepted",
        "result": "error_to_correct",
        "reason_code": "confused_habitats",
        "to_type": report.proposed_type_id,
        "scope": "polygons",
        "seen": json.dumps([[line.number, line.version_seen]]),
        "reply": "Merci, la carte est corrigée.",
        **fields,
    }


def shown(response):
    return [line.report.pk for line in response.context["lines"]]


def test_the_queue_shows_what_is_due_first_and_marks_what_is_late(desk, ground):
    today = timezone.localdate()
    later = send(ground, due_on=today + datetime.timedelta(days=9))
    late = send(ground, polygon=1, proposed=0, due_on=today - datetime.timedelta(days=2))
    response = page(desk)
    assert shown(response) == [late.pk, later.pk]
    assert [line.is_late for line in response.context["lines"]] == [True, False]
    text = response.content.decode()
    assert "E1.2" in text
    assert "Saint-Étienne-d&#x27;Essai" in text


def test_the_report_page_opens(desk, ground):
    report = send(ground)
    response = sheet(desk, report)
    assert response.status_code == 200
    take(report, ground.adjudicator)
    assert sheet(desk, report).context["form"] is not None
