"""The seal of the audit sample holds until the consultation of its year is over."""

import pytest

from bioccia.errors import NotAllowedError
from feedback import actions
from feedback.errors import GateClosedError
from feedback.states import ReportState, RoundState
from habitats.actions import close_labelling
from habitats.models import AuditSample
from territories.states import Role
from tests import factories
from tests.habitats.audit_cases import AT, drawn_sample, interpreters, label, legend_of_three, working_map

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed(tmp_path, settings):
    """A sample whose labelling is closed, and the working map of its year."""
    settings.FILES_DIR = tmp_path
    habitats = legend_of_three()
    audit, people = drawn_sample(tmp_path, size=30), interpreters(2)
    for point in audit.points.all():
        for person in people:
            label(point, habitats[0], person)
    return close_labelling(audit=audit, at=AT), working_map(habitats[:1])


def open_points(closed, by=None):
    audit, vintage = closed
    return actions.open_audit_at_gate(audit=audit, vintage=vintage, by=by, at=AT)


@pytest.mark.parametrize("round_state", [RoundState.PLANNED, RoundState.OPEN])
def test_the_points_stay_sealed_while_a_round_is_not_closed(closed, round_state):
    round_ = factories.RoundFactory(region=closed[1].region, year=2024, over=True)
    round_.state = round_state
    round_.save()
    with pytest.raises(GateClosedError, match=round_.key):
        open_points(closed)
    assert not AuditSample.objects.get().is_opened


def test_the_points_stay_sealed_while_a_report_waits_and_open_after(closed):
    round_ = factories.RoundFactory(region=closed[1].region, year=2024, over=True)
    report = factories.ReportFactory(round=round_, state=ReportState.IN_REVIEW)
    with pytest.raises(GateClosedError):
        open_points(closed)
    report.state = ReportState.REJECTED_SPEC
    report.save()
    open_points(closed)
    assert AuditSample.objects.get().is_opened


def test_the_button_of_the_page_asks_the_same(client, closed):
    factories.RoundFactory(region=closed[1].region, year=2024)
    client.force_login(factories.person_with(Role.RELEASE_ADMINISTRATOR))
    page = client.post("/audit/2024/1/ouverture/", follow=True)
    assert "notice--error" in page.content.decode()
    assert not AuditSample.objects.get().is_opened


def test_only_who_releases_opens(closed):
    with pytest.raises(NotAllowedError):
        open_points(closed, by=factories.person_with(Role.PHOTO_INTERPRETER))
