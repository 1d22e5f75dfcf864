from dataclasses import replace

import pytest
from django.contrib.gis.geos import GEOSGeometry

from bioccia.errors import InvalidFieldsError, NotAllowedError, StateForbidsError
from feedback import actions
from feedback.actions import facts_of
from feedback.errors import RoundForbidsError
from feedback.models import Report
from feedback.states import ReportState
from habitats.states import VintageState
from territories.states import Role
from tests.factories import DAY, Consultation, PolygonFactory, RoundFactory, VintageFactory, person_with, square

pytestmark = pytest.mark.django_db
BOW_TIE = "POLYGON((2.301 43.601, 2.303 43.603, 2.303 43.601, 2.301 43.603, 2.301 43.601))"


@pytest.fixture
def there():
    return Consultation()


def save(there, **changes):
    return actions.save_draft(facts=there.facts(**changes), by=there.reviewer, at=there.at)


def test_a_draft_keeps_what_is_not_finished_yet(there):
    empty = {"polygons": (), "error_type": "", "proposed_type": None, "confidence": None, "evidence_type": ""}
    draft = save(there, outline=None, comment="À revoir", observed_on=None, **empty)
    assert (draft.state, draft.geometry, draft.comment) == (ReportState.DRAFT, None, "À revoir")


def test_an_outline_that_crosses_itself_is_kept_until_it_is_sent(there):
    there.polygon(side=0.02)
    draft = save(there, outline=GEOSGeometry(BOW_TIE, srid=4326))
    with pytest.raises(InvalidFieldsError):
        actions.submit_report(report=draft, by=there.reviewer, at=there.at)
    draft.refresh_from_db()
    assert draft.state == ReportState.DRAFT
    assert draft.geometry is not None


def test_the_same_identifier_writes_over_the_same_draft(there):
    facts = there.facts()
    first = actions.save_draft(facts=facts, by=there.reviewer, at=there.at)
    second = actions.save_draft(facts=replace(facts, comment="Mieux."), by=there.reviewer, at=there.at)
    assert first == second
    assert Report.objects.get().comment == "Mieux."
    assert second.polygons.count() == 1


def test_a_draft_is_read_back_as_it_was_said(there):
    facts = there.facts()
    draft = actions.save_draft(facts=facts, by=there.reviewer, at=there.at)
    assert facts_of(Report.objects.get(pk=draft.pk)).sha256() == facts.sha256()
    drawn = there.facts(there.polygon(1, 1), outline=square(1, 1, side=0.001))
    draft = actions.save_draft(facts=drawn, by=there.reviewer, at=there.at)
    assert facts_of(Report.objects.get(pk=draft.pk)).sha256() == drawn.sha256()


def test_a_draft_that_became_a_report_is_no_draft_any_more(there):
    facts = there.facts()
    actions.submit_report(facts=facts, by=there.reviewer, at=there.at)
    with pytest.raises(StateForbidsError):
        actions.save_draft(facts=facts, by=there.reviewer, at=there.at)


def test_a_draft_survives_the_close_and_can_still_be_written(there):
    facts = there.facts()
    actions.save_draft(facts=facts, by=there.reviewer, at=there.at)
    actions.close_round(round=there.round, by=None, at=there.at + DAY)
    later = there.at + 2 * DAY
    actions.save_draft(facts=replace(facts, comment="Plus tard."), by=there.reviewer, at=later)
    assert Report.objects.get().comment == "Plus tard."
    with pytest.raises(RoundForbidsError):
        actions.save_draft(facts=there.facts(), by=there.reviewer, at=later)


def test_a_draft_stays_in_its_round(there):
    facts = there.facts()
    actions.save_draft(facts=facts, by=there.reviewer, at=there.at)
    with pytest.raises(StateForbidsError):
        actions.save_draft(facts=replace(facts, round=RoundFactory()), by=there.reviewer, at=there.at)


def test_only_people_who_contest_somewhere_begin_a_draft(there):
    with pytest.raises(NotAllowedError):
        actions.save_draft(facts=there.facts(), by=person_with(Role.BOTANIST), at=there.at)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"comment": "x" * 4001}, "comment"),
        ({"polygons": tuple((n, 1) for n in range(30))}, "geometry"),
        ({"outline": GEOSGeometry("POINT(2 43)", srid=4326)}, "geometry"),
        ({"outline": GEOSGeometry("POLYGON((9e5 1, 9e6 1, 9e6 2, 9e5 1))", srid=4326)}, "geometry"),
    ],
)
def test_what_cannot_be_kept_is_named(there, changes, field):
    with pytest.raises(InvalidFieldsError) as raised:
        save(there, **changes)
    assert set(raised.value.fields) == {field}


@pytest.mark.parametrize("state", [VintageState.BUILDING, VintageState.REPLACED])
def test_a_draft_shows_no_polygon_of_a_map_that_is_not_shown(there, state):
    hidden = PolygonFactory(vintage=VintageFactory(state=state), habitat_type=there.mire)
    draft = actions.save_draft(facts=there.facts(hidden), by=there.reviewer, at=there.at)
    assert (draft.polygons.count(), draft.geometry) == (0, None)
