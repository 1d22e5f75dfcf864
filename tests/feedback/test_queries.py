import datetime

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.gis.geos import Polygon as Outline

from feedback import actions
from feedback.models import Report
from feedback.queries import (
    counts_by_state,
    effect_of,
    my_reports,
    near_duplicates,
    queue_of,
    reports_visible_to,
    timeline_of,
)
from feedback.queries.ground import share_inside
from feedback.states import ReportState
from tests.factories import DAY, Consultation, PolygonFactory, ReportFactory, square

pytestmark = pytest.mark.django_db


@pytest.fixture
def there():
    return Consultation()


def waiting(there, **fields):
    """A report in the queue, without the way there."""
    kept = {"round": there.round, "commune": there.commune, "due_on": there.at.date()}
    return ReportFactory(**{**kept, **fields})


def test_the_queue_holds_what_waits_first_due_first(there):
    later = waiting(there, due_on=there.at.date() + DAY)
    sooner = waiting(there)
    waiting(there, state=ReportState.ACCEPTED)
    waiting(there, draft=True)
    assert list(queue_of(there.adjudicator, there.at.date())) == [sooner, later]


def test_states_are_counted(there):
    waiting(there)
    waiting(there)
    waiting(there, state=ReportState.IN_REVIEW)
    assert counts_by_state(queue_of(there.adjudicator, there.at.date())) == {"submitted": 2, "in_review": 1}


def test_a_line_of_the_queue_asks_nothing_more(there, django_assert_num_queries):
    for _n in range(3):
        waiting(there)
    queue = queue_of(there.adjudicator, there.at.date())
    with django_assert_num_queries(1):
        for report in queue:
            str((report.author, report.commune, report.proposed_type, report.round, report.organisation))


def test_people_read_their_own_and_those_of_their_desk(there):
    mine = waiting(there, author=there.reviewer)
    draft = waiting(there, author=there.reviewer, draft=True)
    other = waiting(there)
    withdrawn_draft = waiting(there, state=ReportState.WITHDRAWN, submitted_at=None)
    on = there.at.date()
    assert set(reports_visible_to(there.reviewer, on)) == {mine, draft}
    assert set(reports_visible_to(there.adjudicator, on)) == {mine, other}
    assert withdrawn_draft not in reports_visible_to(there.administrator, on)
    assert not reports_visible_to(AnonymousUser(), on).exists()
    assert not queue_of(AnonymousUser(), on).exists()
    assert list(my_reports(there.reviewer)) == [draft, mine]


def test_an_author_reads_their_story_without_the_names_and_words_of_the_desk(there):
    report = there.proposed()
    at = there.at + datetime.timedelta(hours=1)
    report = actions.sign_decision(report=report, by=there.second, at=at, agrees=False, reason="Trop vite.")
    report = actions.ask_author(report=report, by=there.adjudicator, question="Quand ?", at=at + DAY)
    told, desk = timeline_of(report), timeline_of(report, for_desk=True)
    assert [entry.kind for entry in told] == ["submit", "take", "ask", "question"]
    assert {entry.by for entry in told} == {there.reviewer, None}
    assert "Trop vite." not in {entry.text for entry in told}
    assert [entry.kind for entry in desk] == ["submit", "take", "propose", "sign", "ask", "question"]
    assert there.second in {entry.by for entry in desk}
    assert "Trop vite." in {entry.text for entry in desk}


def test_reasons_without_a_person_are_said_in_words(there, settings):
    report = there.asked()
    actions.expire_reports(at=there.at + settings.QUESTION_DAYS * DAY)
    last = timeline_of(report)[-1]
    assert last.kind == "expire"
    assert " " in last.text  # a sentence, not a code


def test_what_is_not_accepted_changed_nothing(there):
    effect = effect_of(there.sent())
    assert (effect.hectares, effect.changes, effect.correction, effect.release) == (0.0, [], None, None)


def test_a_whole_polygon_that_was_corrected_counts_its_whole_area(there):
    polygon = there.polygon()
    effect = effect_of(there.accepted(polygon))
    assert effect.hectares == pytest.approx(polygon.area_m2 / 10_000)
    assert effect.taught
    assert [(change.from_type, change.to_type) for change in effect.changes] == [(there.meadow, there.heath)]


def test_neighbours_that_only_touch_are_no_duplicates(there):
    left = square(side=0.002)
    right = Outline.from_bbox((left.extent[2], left.extent[1], left.extent[2] + 0.002, left.extent[3]))
    right.srid = 4326
    polygons = [
        PolygonFactory(vintage=there.vintage, habitat_type=there.meadow, outline=outline) for outline in (left, right)
    ]
    first, second = (there.sent(polygon, by=there.another_reviewer()) for polygon in polygons)
    assert not near_duplicates(first).exists()
    assert not near_duplicates(second).exists()


def test_the_share_of_a_place_inside_of_territories(there):
    place = square(side=0.002)
    assert share_inside(place, held=[there.inside.pk], within=there.region.pk) == pytest.approx(1.0)
    assert share_inside(place, held=[there.beside.pk], within=there.region.pk) == 0.0
    assert share_inside(place, held=[there.inside.pk], within=there.beside.pk) == 0.0
    assert share_inside(place, held=[], within=there.region.pk) == 0.0


def test_a_report_sent_needs_few_questions_of_the_database(there, django_assert_max_num_queries):
    facts = there.facts()
    with django_assert_max_num_queries(35):
        actions.submit_report(facts=facts, by=there.reviewer, at=there.at)
    assert Report.objects.count() == 1
