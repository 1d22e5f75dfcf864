import datetime
import threading
import time
from dataclasses import replace

import pytest
from django.contrib.gis.geos import GEOSGeometry
from django.contrib.gis.geos import Polygon as Outline
from django.db import connection, transaction

from bioccia.errors import InvalidFieldsError, NotAllowedError
from feedback import actions
from feedback.errors import PolygonsSeenChangedError, RoundForbidsError, UuidTakenError
from feedback.models import Report, ReportMove
from feedback.queries import near_duplicates
from feedback.states import ErrorType, EvidenceType, ReportState
from habitats.models import Vintage
from habitats.states import VintageState
from territories.models import OutboxMessage
from territories.states import Role
from tests.factories import (
    DAY,
    Consultation,
    HabitatTypeFactory,
    PolygonFactory,
    RoundFactory,
    TypologyFactory,
    VintageFactory,
    person_with,
    square,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def there():
    return Consultation()


def _box(*bounds):
    box = Outline.from_bbox(bounds)
    box.srid = 4326
    return box


def fields_refused(there, *polygons, **changes):
    with pytest.raises(InvalidFieldsError) as raised:
        there.sent(*polygons, **changes)
    assert not Report.objects.exists()
    assert raised.value.detail
    return set(raised.value.fields)


def test_a_report_that_is_sent_knows_its_place_its_deadline_and_its_stake(there, settings):
    polygon = there.polygon(habitat=there.meadow)
    report = there.sent(polygon, proposed_type=there.mire)
    assert report.state == ReportState.SUBMITTED
    assert (report.commune, report.vintage, report.stake) == (there.commune, there.vintage, "très fort")
    assert report.area_m2 == pytest.approx(polygon.area_m2)
    assert report.due_on == there.at.date() + settings.REPORT_ANSWER_DAYS * DAY
    assert report.organisation == there.reviewer.organisation
    line = report.polygons.get()
    assert (line.number, line.version_seen, line.type_seen) == (polygon.number, 1, there.meadow)
    assert ReportMove.objects.get().move == "submit"
    assert OutboxMessage.objects.get().recipient == there.reviewer.email


def test_the_same_again_is_the_same_report(there):
    facts = there.facts()
    first, created = actions.submit_report(facts=facts, by=there.reviewer, at=there.at)
    again, created_again = actions.submit_report(facts=facts, by=there.reviewer, at=there.at + DAY)
    assert (created, created_again, again) == (True, False, first)
    assert OutboxMessage.objects.count() == ReportMove.objects.count() == 1


def test_another_body_under_the_same_identifier_is_refused_and_the_first_stays(there):
    facts = there.facts()
    first, _created = actions.submit_report(facts=facts, by=there.reviewer, at=there.at)
    with pytest.raises(UuidTakenError) as raised:
        actions.submit_report(facts=replace(facts, comment="Autre chose."), by=there.reviewer, at=there.at)
    assert raised.value.code == "uuid_taken"
    first.refresh_from_db()
    assert first.comment == facts.comment


def test_the_identifier_of_somebody_else_says_nothing_of_their_report(there):
    facts = there.facts()
    actions.submit_report(facts=facts, by=there.reviewer, at=there.at)
    other = there.another_reviewer()
    with pytest.raises(UuidTakenError) as taken:
        actions.submit_report(facts=facts, by=other, at=there.at)
    with pytest.raises(UuidTakenError):
        actions.save_draft(facts=facts, by=other, at=there.at)
    assert not taken.value.fields
    assert str(there.reviewer) not in str(taken.value.detail)


def test_a_reviewer_is_refused_next_door(there):
    beside = there.polygon(12, 0)
    with pytest.raises(NotAllowedError):
        there.sent(beside)
    assert not Report.objects.exists()
    reviewer_there = there.another_reviewer(there.beside)
    assert there.sent(beside, by=reviewer_there).commune == there.commune_beside


def test_half_of_the_place_must_lie_in_the_mandate(there):
    # The border of the mandate runs at the end of column 9: 40 % then 60 % of the outline lie inside.
    big = there.polygon(9, 0, side=0.06)
    west, south, _east, _north = square(9, 0).extent
    for share, allowed in ((0.4, False), (0.6, True)):
        left = west + 0.02 - share * 0.004
        outline = _box(left, south + 0.001, left + 0.004, south + 0.003)
        if allowed:
            assert there.sent(outline=outline).polygons.get().polygon == big
        else:
            with pytest.raises(NotAllowedError):
                there.sent(outline=outline)


def test_a_place_outside_of_the_round_is_refused(there):
    there.round.territory = there.beside
    there.round.save()
    with pytest.raises(NotAllowedError):
        there.sent()


def test_a_person_without_a_mandate_is_refused_before_anything_else(there):
    with pytest.raises(NotAllowedError):
        there.sent(by=person_with(Role.BOTANIST), outline=square(side=0.001), comment="x" * 9999)


@pytest.mark.parametrize("trait", ["planned", "over"])
def test_a_round_that_is_not_open_receives_nothing(there, trait):
    there.round = RoundFactory(territory=there.region, **{trait: True})
    there.at += 3 * DAY
    with pytest.raises(RoundForbidsError) as raised:
        there.sent()
    assert there.round.name in str(raised.value.detail)


def test_a_draft_begun_before_the_close_is_sent_in_the_grace_and_a_new_report_is_not(there):
    facts = there.facts()
    actions.save_draft(facts=facts, by=there.reviewer, at=there.at)
    there.round.grace_ends_at += 5 * DAY
    there.round.save()
    closed = actions.close_round(round=there.round, by=None, at=there.at + DAY)
    late = closed.closes_at + DAY
    with pytest.raises(RoundForbidsError):
        actions.submit_report(facts=there.facts(), by=there.reviewer, at=late)
    sent, created = actions.submit_report(facts=facts, by=there.reviewer, at=late)
    assert created
    assert sent.state == ReportState.SUBMITTED


def test_a_draft_is_too_late_after_the_grace_and_stays(there):
    facts = there.facts()
    actions.save_draft(facts=facts, by=there.reviewer, at=there.at)
    actions.close_round(round=there.round, by=None, at=there.at + DAY)
    with pytest.raises(RoundForbidsError):
        actions.submit_report(facts=facts, by=there.reviewer, at=there.at + 2 * DAY)
    assert Report.objects.get().state == ReportState.DRAFT


def test_a_stale_version_is_answered_with_what_changed(there):
    polygon = there.polygon()
    facts = there.facts(polygon)
    polygon.version, polygon.habitat_type = 2, there.mire
    polygon.save()
    with pytest.raises(PolygonsSeenChangedError) as raised:
        actions.submit_report(facts=facts, by=there.reviewer, at=there.at)
    (change,) = raised.value.as_problem()["changed"]
    assert (change["number"], change["version_seen"], change["version"], change["code"]) == (polygon.number, 1, 2, "D1")
    assert "D1" in str(raised.value.detail)


def test_a_polygon_that_is_gone_or_of_another_map_is_a_stale_one(there):
    gone = there.polygon()
    facts = there.facts(gone)
    gone.delete()
    elsewhere = PolygonFactory(vintage=VintageFactory(year=2023, published=True))
    for stale in (facts, there.facts(elsewhere)):
        with pytest.raises(PolygonsSeenChangedError):
            actions.submit_report(facts=stale, by=there.reviewer, at=there.at)


def test_a_map_that_is_published_receives_no_report(there):
    facts = there.facts()
    there.vintage.state = VintageState.PUBLISHED
    there.vintage.save()
    with pytest.raises(RoundForbidsError):
        actions.submit_report(facts=facts, by=there.reviewer, at=there.at)


OUTLINES = {
    "empty": "POLYGON EMPTY",
    "a bow tie": "POLYGON((2.301 43.601, 2.303 43.603, 2.303 43.601, 2.301 43.603, 2.301 43.601))",
    "a line": "LINESTRING(2.301 43.601, 2.303 43.603)",
    "a point": "POINT(2.301 43.601)",
    "smaller than a cell": "POLYGON((2.301 43.601, 2.30101 43.601, 2.30101 43.60101, 2.301 43.601))",
    "in metres": "POLYGON((600000 6200000, 600100 6200000, 600100 6200100, 600000 6200000))",
    "not a number": "POLYGON((2.301 43.601, nan 43.601, 2.302 43.602, 2.301 43.601))",
    "off the map": "POLYGON((2.45 43.75, 2.452 43.75, 2.452 43.752, 2.45 43.75))",
}


@pytest.mark.parametrize("case", OUTLINES)
def test_an_outline_that_is_none_is_refused_with_a_sentence(there, case):
    there.polygon(side=0.02)
    outline = GEOSGeometry(OUTLINES[case], srid=4326)
    assert fields_refused(there, outline=outline) == {"geometry"}


def test_an_outline_of_too_many_vertices_is_refused(there, settings):
    settings.REPORT_MAX_VERTICES = 20
    there.polygon(side=0.02)
    assert fields_refused(there, outline=square(side=0.01).centroid.buffer(0.001, 20)) == {"geometry"}


def test_a_place_that_is_huge_is_refused_for_the_field_that_made_it(there, settings):
    settings.REPORT_MAX_AREA_M2 = 10_000.0
    polygon = there.polygon()
    assert fields_refused(there, polygon) == {"polygons"}
    assert fields_refused(there, outline=square(side=0.002)) == {"geometry"}


def test_heights_are_dropped(there):
    there.polygon(side=0.02)
    ring = "2.301 43.601 5, 2.303 43.601 5, 2.303 43.603 5, 2.301 43.601 5"
    report = there.sent(outline=GEOSGeometry(f"POLYGON Z(({ring}))", srid=4326))
    report.refresh_from_db()
    assert not report.geometry.hasz


def test_a_report_needs_a_place(there):
    assert fields_refused(there, outline=None) == {"polygons"}


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("error_type", {"error_type": "wrong"}),
        ("evidence_type", {"evidence_type": ""}),
        ("confidence", {"confidence": 4}),
        ("comment", {"comment": "x" * 4001}),
        ("observed_on", {"observed_on": datetime.date(2024, 6, 3)}),
        ("observed_on", {"observed_on": datetime.date(2014, 5, 30)}),
        ("observed_on", {"observed_on": None}),
        ("proposed", {"proposed_type": None}),
    ],
)
def test_a_wrong_field_is_named(there, field, changes):
    assert fields_refused(there, there.polygon(), **changes) == {field}


def test_what_is_known_of_old_needs_no_date(there):
    assert there.sent(observed_on=None, evidence_type=EvidenceType.KNOWLEDGE).observed_on is None


def test_the_proposed_habitat_is_one_of_the_legend_and_not_the_one_on_the_map(there):
    stranger = HabitatTypeFactory(code="E1.2", typology=TypologyFactory(code="OTHER"))
    polygon = there.polygon()
    assert fields_refused(there, polygon, proposed_type=stranger) == {"proposed"}
    assert fields_refused(there, polygon, proposed_type=there.meadow) == {"proposed"}


def test_an_outline_may_make_its_neighbour_grow(there):
    there.polygon(side=0.004)
    grown = PolygonFactory(vintage=there.vintage, habitat_type=there.heath, outline=_box(2.304, 43.60, 2.308, 43.604))
    report = there.sent(outline=_box(2.303, 43.601, 2.305, 43.603))
    assert grown.number in report.polygons.values_list("number", flat=True)
    assert report.is_drawn


def test_who_lowers_a_stake_says_whether_their_organisation_has_an_interest(there):
    polygon = there.polygon(habitat=there.mire)
    assert fields_refused(there, polygon, proposed_type=there.heath) == {"declares_interest"}
    report = there.sent(polygon, proposed_type=there.heath, declares_interest=False)
    assert report.lowers_stake


def test_an_outline_without_a_habitat_error_needs_no_habitat(there):
    there.polygon(side=0.02)
    report = there.sent(outline=square(side=0.002), error_type=ErrorType.GEOMETRY, proposed_type=None)
    assert report.proposed_type is None


def test_reports_on_the_same_ground_know_each_other(there):
    polygon = there.polygon()
    first = there.sent(polygon)
    elsewhere = there.sent(there.polygon(2, 2))
    later = there.sent(polygon, by=there.another_reviewer(), comment="Moi aussi.")
    assert list(near_duplicates(later)) == [first]
    assert list(near_duplicates(first)) == [later]
    assert not near_duplicates(elsewhere).exists()


def test_a_draft_is_sent_as_it_was_saved(there):
    draft = actions.save_draft(facts=there.facts(), by=there.reviewer, at=there.at)
    sent, created = actions.submit_report(report=draft, by=there.reviewer, at=there.at)
    again, created_again = actions.submit_report(report=sent, by=there.reviewer, at=there.at)
    assert (created, created_again, sent.state, again) == (True, False, ReportState.SUBMITTED, draft)


def test_a_draft_whose_polygon_is_gone_says_so(there):
    polygon = there.polygon()
    draft = actions.save_draft(facts=there.facts(polygon), by=there.reviewer, at=there.at)
    polygon.delete()
    with pytest.raises(PolygonsSeenChangedError) as raised:
        actions.submit_report(report=draft, by=there.reviewer, at=there.at)
    assert str(polygon.number) in str(raised.value.detail)


@pytest.mark.django_db(transaction=True)
def test_the_same_report_sent_twenty_times_at_once_is_one():
    there = Consultation()
    facts = there.facts()
    answers = []

    def send():
        try:
            answers.append(actions.submit_report(facts=facts, by=there.reviewer, at=there.at))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 20
    assert sum(created for _report, created in answers) == 1
    assert Report.objects.count() == ReportMove.objects.count() == OutboxMessage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_report_sent_while_the_map_is_made_again_waits_and_reads_what_changed():
    there = Consultation()
    facts = there.facts()
    answers = []

    def send():
        try:
            answers.append(actions.submit_report(facts=facts, by=there.reviewer, at=there.at))
        except PolygonsSeenChangedError as error:
            answers.append(error.code)
        finally:
            connection.close()

    thread = threading.Thread(target=send)
    with transaction.atomic():
        held = Vintage.objects.select_for_update().get(pk=there.vintage.pk)
        held.state = VintageState.REPLACED
        held.save()
        VintageFactory()
        thread.start()
        _wait_until_somebody_waits()
        held.polygons.all().delete()
    thread.join()
    assert answers == ["polygons_changed"]
    assert not Report.objects.exists()


def _wait_until_somebody_waits():
    for _attempt in range(600):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits")


def test_the_stake_under_an_outline_counts_whatever_polygon_is_named(there):
    chosen, beside = there.polygon(), there.polygon(0.2, 0, habitat=there.mire)
    outline = _box(*chosen.geometry.union(beside.geometry).extent)
    assert fields_refused(there, chosen, outline=outline) == {"declares_interest"}
    report = there.sent(chosen, outline=outline, declares_interest=False)
    assert (report.lowers_stake, report.stake) == (True, "très fort")


def test_an_outline_where_the_projection_has_no_place_is_refused_by_name(there):
    there.polygon()
    assert fields_refused(there, outline=_box(0, -90, 3, -89)) == {"geometry"}
