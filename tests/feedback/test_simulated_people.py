import pytest

from feedback import actions, simulated_people
from feedback.simulated_people import Ground, play_adjudicators
from tests.factories import Consultation

pytestmark = pytest.mark.django_db


class Withdrawal:
    """Stands for a decision: the report waits no more."""

    def __init__(self, report, _contestation):
        self.report = report

    def play(self, at):
        actions.withdraw_report(report=self.report, by=self.report.author, at=at)


def test_invented_adjudicators_leave_the_reports_of_an_open_round_until_it_closes(tmp_path, monkeypatch):
    there = Consultation()
    report = there.sent()
    ground = Ground(region=there.round.region, year=there.round.year, seed=1, truth_dir=tmp_path)
    monkeypatch.setattr(
        simulated_people, "contestations_of", lambda _ground: [type("Any", (), {"client_uuid": report.client_uuid})]
    )
    monkeypatch.setattr(simulated_people, "Adjudication", Withdrawal)
    assert play_adjudicators(ground, there.at) == 0
    actions.close_round(round=there.round, by=None, at=there.round.closes_at)
    assert play_adjudicators(ground, there.at) == 1
    assert play_adjudicators(ground, there.at) == 0
