"""Who may do what, and where: the table is the test."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.gis.geos import Polygon as Outline

from bioccia.errors import NotAllowedError
from feedback import actions
from feedback.models import Decision, Report
from feedback.permissions import is_who, may_attach, may_contest, may_decide, may_hold_round, may_read, places_of
from feedback.queries import queue_of, reports_visible_to
from feedback.queries.ground import share_inside
from feedback.states import REPORT_MOVES, ReportState
from habitats.states import Stake
from territories.actions import refresh_grants_of
from territories.permissions import may, may_everywhere
from territories.states import RIGHTS_OF_ROLE, Role
from tests.factories import (
    Consultation,
    MandateFactory,
    ReportFactory,
    TerritoryFactory,
    UserFactory,
    person_with,
    square,
)

pytestmark = pytest.mark.django_db

# x: inside of the territory of the mandate. R: only where the mandate is on the whole region. Outside: never.
TABLE = """
action                     botanist campaign_lead validator photo_interpreter reviewer adjudicator appeal_panel model_engineer release_administrator planner
see the working map        x        x             x         x                 x        x           x            x              x                     -
see samples                -        x             x         x                 -        x           x            x              x                     -
survey                     x        -             -         -                 -        -           -            -              -                     -
lead a campaign            -        x             -         -                 -        -           -            -              -                     -
validate relevés           -        -             x         -                 -        -           -            -              -                     -
label points               -        -             -         x                 -        -           -            -              -                     -
contest a place            -        -             -         -                 x        -           -            -              -                     -
read another's report      -        -             -         -                 -        x           x            -              x                     -
read another's draft       -        -             -         -                 -        -           -            -              -                     -
attach to another's report -        -             -         -                 -        -           -            -              -                     -
submit another's report    -        -             -         -                 -        -           -            -              -                     -
withdraw another's report  -        -             -         -                 -        -           -            -              -                     -
appeal another's report    -        -             -         -                 -        -           -            -              -                     -
take                       -        -             -         -                 -        x           -            -              -                     -
ask                        -        -             -         -                 -        x           -            -              -                     -
send to field              -        -             -         -                 -        x           -            -              -                     -
propose                    -        -             -         -                 -        x           -            -              -                     -
sign                       -        -             -         -                 -        x           -            -              -                     -
merge                      -        -             -         -                 -        x           -            -              -                     -
find it in the queue       -        -             -         -                 -        x           -            -              -                     -
decide an appeal           -        -             -         -                 -        -           x            -              -                     -
find an appeal in the queue -       -             -         -                 -        -           x            -              -                     -
revert                     -        -             -         -                 -        -           -            -              x                     -
expire                     -        -             -         -                 -        -           -            -              -                     -
integrate                  -        -             -         -                 -        -           -            -              -                     -
plan, open, close a round  -        -             -         -                 -        -           -            -              x                     -
sign a release             -        -             -         -                 -        -           -            -              R                     -
start a mapping year       -        -             -         -                 -        -           -            R              -                     -
decide a model version     -        -             -         -                 -        -           -            R              -                     -
stop a run                 -        -             -         -                 -        -           -            -              R                     -
"""  # noqa: E501 - a table is read by its lines


class Place:
    """A commune, with a report and an appeal that somebody else sent there."""

    def __init__(self, there, commune, outline):
        self.there, self.commune, self.outline = there, commune, outline
        kept = {"round": there.round, "commune": commune, "geometry": outline, "due_on": there.at.date()}
        self.report = ReportFactory(**kept)
        self.draft = ReportFactory(draft=True, **kept)
        self.appeal = ReportFactory(state=ReportState.APPEALED, appealed_at=there.at, **kept)


def asks(move, kind="report"):
    """Whether a person is who makes a move on somebody else's report."""
    who = REPORT_MOVES[move].who
    return lambda person, place, on: is_who(person, who, getattr(place, kind), on)


def holds(right):
    """Whether a person holds a right on the commune."""
    return lambda person, place, on: may(person, right, place.commune, on=on)


def holds_everywhere(right):
    """Whether a person holds a right on the whole region; the place does not matter."""
    return lambda person, place, on: may_everywhere(person, right, on=on)


ACTIONS = {
    "see the working map": holds("see_working_vintage"),
    "see samples": holds("see_samples"),
    "survey": holds("survey"),
    "lead a campaign": holds("lead_campaign"),
    "validate relevés": holds("validate_releve"),
    "label points": holds("interpret"),
    "contest a place": lambda person, place, on: may_contest(person, place.there.round, place.outline, on),
    "read another's report": lambda person, place, on: (
        may_read(person, place.report, on) and place.report in reports_visible_to(person, on)
    ),
    "read another's draft": lambda person, place, on: (
        may_read(person, place.draft, on) or place.draft in reports_visible_to(person, on)
    ),
    "attach to another's report": lambda person, place, on: may_attach(person, place.report, on),
    "submit another's report": asks("submit", "draft"),
    "withdraw another's report": asks("withdraw"),
    "appeal another's report": asks("appeal"),
    "take": asks("take"),
    "ask": asks("ask"),
    "send to field": asks("send_to_field"),
    "propose": asks("propose"),
    "sign": asks("sign"),
    "merge": asks("merge"),
    "find it in the queue": lambda person, place, on: place.report in queue_of(person, on),
    "decide an appeal": asks("sign", "appeal"),
    "find an appeal in the queue": lambda person, place, on: place.appeal in queue_of(person, on),
    "revert": asks("revert"),
    "expire": asks("expire"),
    "integrate": asks("integrate"),
    "plan, open, close a round": lambda person, place, on: may_hold_round(person, place.commune, on),
    "sign a release": holds_everywhere("release"),
    "start a mapping year": holds_everywhere("run_models"),
    "decide a model version": holds_everywhere("decide_version"),
    "stop a run": holds_everywhere("stop_runs"),
}


def table():
    """The marks of the table by action and role."""
    head, *lines = TABLE.strip().splitlines()
    roles = head.split()[1:]
    rows = {}
    for line in lines:
        action, *marks = line.rsplit(maxsplit=len(roles))
        rows[action.strip()] = dict(zip(roles, marks, strict=True))
    return rows


@pytest.fixture
def there():
    return Consultation()


def test_the_table_names_every_role_every_move_and_every_right():
    rows = table()
    assert set(rows) == set(ACTIONS)
    assert all(set(marks) == {str(role) for role in Role} for marks in rows.values())
    assert {move.replace("_", " ") for move in REPORT_MOVES} <= {row.removesuffix(" another's report") for row in rows}
    known = {"see_working_vintage", "see_samples", "survey", "lead_campaign", "validate_releve", "interpret"}
    known |= {"contest", "decide", "decide_appeal", "release", "run_models", "decide_version", "stop_runs"}
    assert {right for rights in RIGHTS_OF_ROLE.values() for right in rights} == known


@pytest.mark.parametrize("role", list(Role))
def test_each_role_does_what_the_table_says_inside_of_its_territory_and_nothing_outside(there, role):
    inside = Place(there, there.commune, square(side=0.002))
    outside = Place(there, there.commune_beside, square(10, 0, side=0.002))
    here, everywhere = person_with(role, there.inside), person_with(role, there.region)
    on = there.at.date()
    for action, marks in table().items():
        asked, mark = ACTIONS[action], marks[role]
        assert asked(here, inside, on) is (mark == "x"), f"{role} inside: {action}"
        assert asked(here, outside, on) is False, f"{role} outside: {action}"
        assert asked(everywhere, outside, on) is (mark in "xR"), f"{role} on the region: {action}"


def test_visitors_and_people_without_a_mandate_do_nothing(there):
    place = Place(there, there.commune, square(side=0.002))
    for person in (AnonymousUser(), UserFactory()):
        for action, asked in ACTIONS.items():
            if person.is_authenticated or "another's" not in action:
                assert not asked(person, place, there.at.date()), action


def test_an_author_does_everything_with_their_own_report_but_decide_it(there):
    place = Place(there, there.commune, square(side=0.002))
    author = person_with(Role.ADJUDICATOR, there.inside)
    Report.objects.update(author=author)
    report, on = Report.objects.get(pk=place.report.pk), there.at.date()
    assert all(is_who(author, REPORT_MOVES[move].who, report, on) for move in ("submit", "withdraw", "appeal"))
    assert may_read(author, report, on)
    assert not may_decide(author, report, on)
    assert not queue_of(author, on).exists()


def test_whose_report_was_joined_to_another_does_not_decide_that_one(there):
    polygon = there.polygon()
    master, joined = there.sent(polygon), there.sent(polygon, by=there.another_reviewer())
    author, on = person_with(Role.ADJUDICATOR, there.inside), there.at.date()
    assert master in queue_of(author, on)
    Report.objects.filter(pk=joined.pk).update(author=author)
    actions.merge_report(report=joined, master=master, by=there.adjudicator, at=there.at)
    assert not may_decide(author, master, on)
    assert master not in queue_of(author, on)
    assert may_decide(there.adjudicator, master, on)


def test_an_author_attaches_with_a_mandate_in_force(there):
    report, on = there.sent(), there.at.date()
    assert may_attach(there.reviewer, report, on)
    there.reviewer.mandates.all().delete()
    assert not may_attach(there.reviewer, report, on)


def test_who_decided_before_finds_no_appeal_of_it(there):
    place = Place(there, there.commune, square(side=0.002))
    member, on = person_with(Role.APPEAL_PANEL, there.inside), there.at.date()
    Decision.objects.create(
        report=place.appeal,
        outcome=ReportState.REJECTED_SPEC,
        result="misunderstanding",
        reason_code="within_specification",
        reply="Non.",
        proposed_by=UserFactory(),
        proposed_at=there.at,
        signed_by=member,
        signed_at=there.at,
    )
    assert not may_decide(member, place.appeal, on)
    assert place.appeal not in queue_of(member, on)
    assert place.appeal in queue_of(there.panel, on)


def test_a_report_without_a_commune_is_for_those_who_hold_the_whole_region(there):
    report = ReportFactory(round=there.round, commune=None)
    on = there.at.date()
    assert not may_decide(there.adjudicator, report, on)
    assert may_decide(person_with(Role.ADJUDICATOR, there.region), report, on)


def test_rights_end_with_the_mandate_and_with_the_account(there):
    report, on = there.sent(), there.at.date()
    there.adjudicator.is_active = False
    there.adjudicator.save()
    assert not may_decide(there.adjudicator, report, on)
    there.second.mandates.update(ends_on=on.replace(day=1))
    assert not may_decide(there.second, report, on)
    assert may_decide(there.second, report, on.replace(day=1))


def test_a_mandate_on_an_intercommunality_reaches_its_communes(there):
    epci = TerritoryFactory(intercommunality=True, parent=there.inside, outline=square(side=0.1))
    there.commune.epci = epci
    there.commune.save()
    report, on = there.sent(), there.at.date()
    person = person_with(Role.ADJUDICATOR, epci)
    assert may_decide(person, report, on)
    assert report in queue_of(person, on)
    assert report in reports_visible_to(person, on)


def for_habitats(role, territory, branch):
    return MandateFactory(role=role, territory=territory, habitat_branch=branch).user


@pytest.mark.parametrize(("branch", "is_theirs"), [("E", True), ("E2", True), ("F3", True), ("D1", False)])
def test_an_adjudicator_for_some_habitats_decides_what_concerns_them_and_reads_the_rest(there, branch, is_theirs):
    report = there.sent()  # a meadow (E2) that should be a heath (F3)
    on = there.at.date()
    for territory in (there.inside, there.region):
        specialist = for_habitats(Role.ADJUDICATOR, territory, branch)
        assert may_decide(specialist, report, on) is is_theirs
        assert (report in queue_of(specialist, on)) is is_theirs
        assert may_read(specialist, report, on)
    beside = for_habitats(Role.ADJUDICATOR, there.beside, branch)
    assert not may_decide(beside, report, on)
    assert report not in queue_of(beside, on)


def test_a_branch_holds_what_lies_below_it_in_its_typology(there):
    there.meadow.parent = there.habitat("PRAIRIES", Stake.LOW)
    there.meadow.save()
    report = there.sent()
    specialist = for_habitats(Role.ADJUDICATOR, there.inside, "PRAIRIES")
    assert may_decide(specialist, report, there.at.date())
    assert report in queue_of(specialist, there.at.date())


def test_a_reviewer_for_some_habitats_contests_them_alone_and_is_told(there):
    specialist = for_habitats(Role.REVIEWER, there.inside, "D")
    with pytest.raises(NotAllowedError, match=r"\bD\b"):
        there.sent(by=specialist)
    there.sent(there.polygon(5, 5), by=specialist, proposed_type=there.mire)
    there.sent(there.polygon(7, 7, habitat=there.mire), by=specialist, declares_interest=False)


def test_a_specialist_gives_or_takes_a_habitat_of_theirs_and_nothing_else(there):
    specialist = for_habitats(Role.ADJUDICATOR, there.inside, "F3")  # the report proposes a heath, F3
    held = there.taken(by=specialist)
    other = there.habitat("J2", Stake.LOW)
    with pytest.raises(NotAllowedError):
        actions.propose_decision(report=held, proposal=there.proposal(held, to_type=other), by=specialist, at=there.at)
    proposed = actions.propose_decision(report=held, proposal=there.proposal(held), by=specialist, at=there.at)
    stranger = for_habitats(Role.ADJUDICATOR, there.inside, "G1")
    with pytest.raises(NotAllowedError):
        actions.sign_decision(report=proposed, by=stranger, at=there.at)


def test_the_right_to_decide_asks_no_more_questions_for_sixty_mandates_than_for_one(
    there, django_assert_max_num_queries
):
    report = there.sent()
    specialist = for_habitats(Role.ADJUDICATOR, there.inside, "E2")
    for column in range(60):
        commune = TerritoryFactory(parent=there.inside, outline=square(column, 50, side=0.001))
        MandateFactory(user=specialist, role=Role.ADJUDICATOR, territory=commune, habitat_branch="E2")
    with django_assert_max_num_queries(12):
        assert may_decide(specialist, report, there.at.date())


def test_two_mandates_beside_each_other_add_up(there):
    border = square(9, 0).extent[2]
    across = Outline.from_bbox((border - 0.002, 43.601, border + 0.002, 43.603))
    across.srid = 4326
    person, on = person_with(Role.REVIEWER, there.commune), there.at.date()
    assert not may_contest(person, there.round, across, on)
    both = person_with(Role.REVIEWER, there.beside)
    there.inside.mandates.create(user=both, role=Role.REVIEWER, starts_on=on)
    refresh_grants_of(both, on=on)
    assert len(places_of(both, "contest", on)) == 2
    assert may_contest(both, there.round, across, on)
    held = {territory.pk for territory in places_of(both, "contest", on)}
    assert share_inside(across, held=held, within=there.region.pk) == pytest.approx(1.0, abs=1e-6)
