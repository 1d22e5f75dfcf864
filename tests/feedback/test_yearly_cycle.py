import pytest

from feedback import actions
from feedback.models import Cycle
from feedback.states import CyclePhase, ReleaseState, ReportState
from feedback.yearly_cycle import ANNUAL_CALENDAR, advance_cycle, planned_calendar
from habitats.models import AuditSample
from habitats.states import AuditState
from tests import factories
from tests.factories import AN_INSTANT, DAY
from tests.releases import administrators, ready_map, signed_release

pytestmark = pytest.mark.django_db
LATER = AN_INSTANT + 400 * DAY


def cycle_of(vintage, phase, **facts):
    first, _second = administrators()
    return Cycle.objects.create(
        region=vintage.region,
        year=vintage.year,
        phase=phase,
        calendar=planned_calendar(AN_INSTANT, ANNUAL_CALENDAR),
        audit_size=300,
        seed=1,
        started_by=first,
        engineer=first,
        started_at=AN_INSTANT,
        **facts,
    )


def test_a_release_prepared_again_after_a_failed_publication_is_waited_for_until_it_stands(tmp_path):
    vintage = ready_map(tmp_path)
    failed = signed_release(vintage)
    cycle = cycle_of(vintage, CyclePhase.PUBLISH, release=failed)
    type(failed.run).objects.update(state="failed")
    first, _second = administrators()
    actions.abandon_release(release=failed, by=first, at=LATER, reason="La carte a changé.")
    again = actions.prepare_release(vintage=vintage, by=first, at=LATER)

    waiting = advance_cycle(cycle.pk, at=LATER)
    assert waiting.phase == CyclePhase.PUBLISH
    assert waiting.release == again

    standing = {"state": ReleaseState.PUBLISHED, "published_at": LATER, "content_sha256": "a" * 64}
    type(again).objects.filter(pk=again.pk).update(**standing)
    assert advance_cycle(cycle.pk, at=LATER).phase == CyclePhase.ENDED


def test_the_audit_stays_sealed_while_a_report_is_open(tmp_path):
    vintage = ready_map(tmp_path)
    AuditSample.objects.update(state=AuditState.CLOSED)
    cycle = cycle_of(vintage, CyclePhase.OPEN_AUDIT)
    held = vintage.region.rounds.get()
    factories.ReportFactory(round=held, state=ReportState.APPEALED)
    waiting = advance_cycle(cycle.pk, at=LATER)
    assert waiting.phase == CyclePhase.OPEN_AUDIT
    assert any(word in waiting.waits_for for word in ("1 report", "1 signalement"))
    assert AuditSample.objects.get().state == AuditState.CLOSED
