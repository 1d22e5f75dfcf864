import pytest

from bioccia.errors import NotAllowedError, StateForbidsError
from feedback import actions
from feedback.models import Release
from feedback.queries import effect_of
from feedback.states import ReportState
from habitats.models import Vintage
from habitats.states import CorrectionState, VintageState
from territories.models import OutboxMessage
from tests.factories import DAY, Consultation, VintageFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def there():
    return Consultation()


def propose(there, report, proposal, by=None):
    return actions.propose_decision(report=report, proposal=proposal, by=by or there.adjudicator, at=there.at)


def test_a_report_that_is_undone_takes_back_its_correction_and_retires_its_sample(there):
    polygon = there.polygon()
    report = there.accepted(polygon)
    with pytest.raises(NotAllowedError):
        actions.revert_report(report=report, by=there.second, reason="Erreur.", at=there.at)
    undone = actions.revert_report(report=report, by=there.administrator, reason="Erreur.", at=there.at + DAY)
    polygon.refresh_from_db()
    assert (undone.state, polygon.habitat_type) == (ReportState.REVERTED, there.meadow)
    decision = undone.decisions.get()
    assert decision.correction.state == CorrectionState.REVERTED
    assert decision.sample.retired_at == there.at + DAY
    assert effect_of(undone).was_reverted
    assert "Erreur." in OutboxMessage.objects.filter(recipient=there.reviewer.email).latest("pk").body
    with pytest.raises(StateForbidsError):
        actions.revert_report(report=undone, by=there.administrator, reason="Encore.", at=there.at + DAY)


def release_of(there):
    return Release.objects.create(
        region=there.round.region,
        year=2024,
        number=0,
        vintage=there.vintage,
        dossier_sha256="0" * 64,
        prepared_by=there.administrator,
        prepared_at=there.at,
    )


def test_a_release_carries_the_accepted_reports_once_and_tells_their_authors(there):
    polygon = there.polygon()
    report = there.taken(polygon)
    follower = there.another_reviewer()
    merged = there.sent(polygon, by=follower)
    actions.merge_report(report=merged, master=report, by=there.adjudicator, at=there.at)
    propose(there, report, there.proposal(report))
    actions.sign_decision(report=report, by=there.second, at=there.at)
    refused = there.rejected(there.polygon(1, 1))
    release = release_of(there)
    later = there.at + DAY
    assert [actions.integrate_reports(release=release, at=later) for _twice in range(2)] == [1, 0]
    for row in (report, refused, merged):
        row.refresh_from_db()
    assert (report.state, report.release) == (ReportState.INTEGRATED, release)
    assert (refused.state, merged.release) == (ReportState.REJECTED_SPEC, release)
    body = OutboxMessage.objects.filter(recipient=there.reviewer.email).latest("pk").body
    assert "2024.0" in body
    assert f"{effect_of(report).hectares:.2f} ha" in body
    assert "2024.0" in OutboxMessage.objects.filter(recipient=follower.email).latest("pk").body
    assert effect_of(merged).hectares == effect_of(report).hectares > 0


def test_a_report_whose_correction_is_of_another_map_waits_for_its_release(there):
    report = there.accepted()
    release = release_of(there)
    there.vintage.state = "replaced"
    there.vintage.save()
    release.vintage = VintageFactory()
    release.save()
    assert actions.integrate_reports(release=release, at=there.at) == 0
    report.refresh_from_db()
    assert report.state == ReportState.ACCEPTED


def test_an_integrated_report_can_still_be_undone(there):
    report = there.accepted()
    actions.integrate_reports(release=release_of(there), at=there.at)
    undone = actions.revert_report(report=report, by=there.administrator, reason="Erreur.", at=there.at)
    assert undone.state == ReportState.REVERTED


def test_an_appeal_that_comes_after_the_publication_is_still_refused_but_corrects_nothing(there):
    report = actions.take_report(report=there.appealed(), by=there.panel, at=there.at)
    Vintage.objects.filter(pk=there.vintage.pk).update(state=VintageState.PUBLISHED)
    with pytest.raises(StateForbidsError, match="erratum"):
        propose(there, report, there.proposal(report), by=there.panel)
    report.refresh_from_db()
    assert report.state == ReportState.IN_REVIEW
    propose(there, report, there.refusal(), by=there.panel)
    refused = actions.sign_decision(report=report, by=there.panel_second, at=there.at)
    assert refused.state == ReportState.REJECTED_SPEC
