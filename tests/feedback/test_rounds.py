import pytest
from django.utils import timezone

from bioccia.errors import InvalidFieldsError, NotAllowedError, StateForbidsError
from feedback import actions, tasks
from feedback.models import Round
from feedback.queries import rounds_for
from feedback.states import ROUND_MOVES, ReportState, RoundState
from habitats.states import VintageState
from territories.models import OutboxMessage
from territories.states import Role
from tests.factories import DAY, Consultation, RoundFactory, person_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def there():
    return Consultation()


def plan(there, **changes):
    facts = {
        "key": "2024-d1-m1",
        "by": there.administrator,
        "at": there.at,
        "year": 2024,
        "region": there.round.region,
        "territory": there.inside,
        "name": "M1",
        "opens_at": there.at + DAY,
        "closes_at": there.at + 10 * DAY,
        "grace_ends_at": there.at + 12 * DAY,
    }
    return actions.plan_round(**{**facts, **changes})


def test_a_round_is_planned_opened_and_closed(there):
    round_ = plan(there)
    opened = actions.open_round(round=round_, by=there.administrator, at=there.at + DAY)
    assert (opened.state, opened.opened_at) == (RoundState.OPEN, there.at + DAY)
    closed = actions.close_round(round=round_, by=there.administrator, at=there.at + 10 * DAY)
    assert (closed.state, closed.closed_at) == (RoundState.CLOSED, there.at + 10 * DAY)


def test_a_planned_round_is_planned_again_and_an_opened_one_is_not(there):
    plan(there)
    again = plan(there, name="M1 bis")
    assert Round.objects.get(key="2024-d1-m1").name == "M1 bis"
    actions.open_round(round=again, by=None, at=there.at + DAY)
    with pytest.raises(StateForbidsError):
        plan(there)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("closes_at", {"closes_at": 0}),
        ("closes_at", {"opens_at": -20, "closes_at": -10}),
        ("grace_ends_at", {"grace_ends_at": 9}),
        ("year", {"year": 1999}),
        ("key", {"key": "tour d'été"}),
    ],
)
def test_a_plan_that_does_not_hold_names_its_field(there, field, changes):
    changes = {name: there.at + value * DAY if name.endswith("_at") else value for name, value in changes.items()}
    with pytest.raises(InvalidFieldsError) as raised:
        plan(there, **changes)
    assert field in raised.value.fields


def test_only_a_release_administrator_of_the_territory_holds_rounds(there):
    next_door = person_with(Role.RELEASE_ADMINISTRATOR, there.beside)
    round_ = plan(there)
    for person in (next_door, there.adjudicator, there.reviewer):
        with pytest.raises(NotAllowedError):
            plan(there, by=person)
        with pytest.raises(NotAllowedError):
            actions.open_round(round=round_, by=person, at=there.at)
        with pytest.raises(NotAllowedError):
            actions.close_round(round=there.round, by=person, at=there.at)
    with pytest.raises(NotAllowedError):  # nor takes over the round of another place
        plan(there, by=next_door, territory=there.beside)


@pytest.mark.parametrize("state", RoundState)
def test_a_round_moves_only_as_its_table_says(there, state):
    round_ = RoundFactory(state=state)
    acts = {"open": actions.open_round, "close": actions.close_round}
    for name, (sources, _target) in ROUND_MOVES.items():
        if state not in sources:
            with pytest.raises(StateForbidsError):
                acts[name](round=round_, by=None, at=there.at)


def test_a_round_without_a_map_waits_for_it(there):
    round_ = plan(there)
    there.vintage.state = VintageState.BUILDING
    there.vintage.save()
    with pytest.raises(StateForbidsError):
        actions.open_round(round=round_, by=None, at=there.at + DAY)
    assert actions.turn_rounds(at=there.at + DAY) == (0, 0)


def test_a_round_opened_early_begins_then(there):
    opened = actions.open_round(round=plan(there), by=there.administrator, at=there.at)
    assert opened.opens_at == there.at
    assert there.sent().state == ReportState.SUBMITTED


def test_a_round_whose_end_is_over_does_not_open(there):
    round_ = plan(there)
    with pytest.raises(StateForbidsError):
        actions.open_round(round=round_, by=None, at=there.at + 11 * DAY)


def test_a_round_closed_early_keeps_the_length_of_its_grace(there):
    round_ = plan(there)
    actions.open_round(round=round_, by=None, at=there.at + DAY)
    closed = actions.close_round(round=round_, by=None, at=there.at + 3 * DAY)
    assert (closed.closes_at, closed.grace_ends_at) == (there.at + 3 * DAY, there.at + 5 * DAY)


def test_closing_keeps_drafts_and_tells_their_authors(there):
    draft = actions.save_draft(facts=there.facts(), by=there.reviewer, at=there.at)
    actions.close_round(round=there.round, by=None, at=there.at + DAY)
    draft.refresh_from_db()
    assert draft.state == ReportState.DRAFT
    mail = OutboxMessage.objects.get()
    assert mail.recipient == there.reviewer.email
    assert there.round.name in mail.subject


def test_the_clock_opens_and_closes_what_is_due(there):
    plan(there)
    assert actions.turn_rounds(at=there.at) == (0, 0)
    assert actions.turn_rounds(at=there.at + DAY) == (1, 0)
    assert actions.turn_rounds(at=there.at + 10 * DAY) == (0, 1)


def test_the_wall_clock_leaves_the_rounds_of_the_demonstration_alone(there):
    plan(there, is_simulated=True)
    assert actions.turn_rounds(at=there.at + DAY) == (0, 0)
    assert actions.turn_rounds(at=there.at + DAY, simulated=True) == (1, 0)


def test_the_doorbells_ring_twice_without_harm(there):
    now = timezone.now()
    window = {"opens_at": now - DAY, "closes_at": now + 9 * DAY, "grace_ends_at": now + 11 * DAY}
    round_ = plan(there, at=now - 2 * DAY, **window)
    moves = []
    for _twice in range(2):
        tasks.turn_rounds()
        tasks.expire_reports()
        round_.refresh_from_db()
        moves.append((round_.state, round_.opened_at, OutboxMessage.objects.count()))
    assert moves[0][0] == RoundState.OPEN
    assert moves[0] == moves[1]


def test_a_reviewer_sees_the_rounds_of_their_places_that_receive(there):
    here, beside = RoundFactory(territory=there.inside), RoundFactory(territory=there.beside)
    commune = RoundFactory(territory=there.commune)
    RoundFactory(territory=there.inside, planned=True)
    in_grace = RoundFactory(territory=there.inside, in_grace=True)
    at = there.at + 2 * DAY
    assert set(rounds_for(there.reviewer, at)) == {there.round, here, commune, in_grace}
    assert set(rounds_for(there.another_reviewer(there.commune), at)) == {there.round, here, commune, in_grace}
    assert beside in rounds_for(there.another_reviewer(there.region), at)
    assert not rounds_for(there.adjudicator, at).exists()
