"""Every pair of state and move, as every kind of person: only the table's moves are possible."""

import itertools

import pytest
from django.db import DatabaseError, transaction

from bioccia.errors import BiocciaError, NotAllowedError, StateForbidsError
from feedback.actions.log import Effect, make_move
from feedback.models import Decision, Report, ReportMessage, ReportMove
from feedback.states import (
    ALL_MOVES,
    CLOSED_STATES,
    EC_STATUS,
    OPEN_STATES,
    OUTCOMES,
    REASONS_OF_OUTCOME,
    REPORT_MOVES,
    RESULTS_OF_OUTCOME,
    ReasonCode,
    ReportState,
    Who,
)
from tests.factories import Consultation, ReportFactory

pytestmark = pytest.mark.django_db
S = ReportState

# DOMAIN.md's table, written a second time by hand: move, from, to, who.
EXPECTED = {
    "submit": ({S.DRAFT, S.NEEDS_INFO}, {S.SUBMITTED}, Who.AUTHOR),
    "take": ({S.SUBMITTED, S.APPEALED}, {S.IN_REVIEW}, Who.ADJUDICATOR),
    "ask": ({S.IN_REVIEW}, {S.NEEDS_INFO}, Who.HOLDER),
    "send_to_field": ({S.IN_REVIEW}, {S.AWAITING_FIELD}, Who.HOLDER),
    "propose": ({S.IN_REVIEW, S.AWAITING_FIELD}, {S.DECISION_PROPOSED, S.IN_REVIEW}, Who.HOLDER),
    "sign": (
        {S.DECISION_PROPOSED},
        {S.ACCEPTED, S.ALREADY_FIXED, S.REJECTED_SPEC, S.REJECTED_OFF_TOPIC, S.IN_REVIEW},
        Who.SIGNER,
    ),
    "merge": ({S.SUBMITTED, S.IN_REVIEW}, {S.MERGED}, Who.ADJUDICATOR),
    "withdraw": ({S.DRAFT, S.SUBMITTED, S.NEEDS_INFO}, {S.WITHDRAWN}, Who.AUTHOR),
    "expire": ({S.NEEDS_INFO}, {S.EXPIRED}, Who.TIMER),
    "appeal": ({S.REJECTED_SPEC, S.REJECTED_OFF_TOPIC}, {S.APPEALED}, Who.AUTHOR),
    "revert": ({S.ACCEPTED, S.INTEGRATED}, {S.REVERTED}, Who.RELEASE_ADMINISTRATOR),
    "integrate": ({S.ACCEPTED}, {S.INTEGRATED}, Who.PUBLICATION),
}
# Which of the people of `cast` are which kind, on a report that `adjudicator` holds.
PEOPLE_OF_KIND = {
    Who.AUTHOR: {"author"},
    Who.ADJUDICATOR: {"adjudicator"},
    Who.HOLDER: {"adjudicator"},
    Who.SIGNER: {"adjudicator", "second"},
    Who.RELEASE_ADMINISTRATOR: {"administrator"},
    Who.TIMER: {"clock"},
    Who.PUBLICATION: {"clock"},
}


def test_the_table_is_that_of_the_domain():
    table = {name: (set(move.sources), set(move.targets), move.who) for name, move in REPORT_MOVES.items()}
    assert table == EXPECTED


def test_every_state_has_its_status_and_is_open_or_closed_or_neither():
    assert set(EC_STATUS) == set(ReportState)
    assert not set(OPEN_STATES) & set(CLOSED_STATES)
    assert set(ReportState) - set(OPEN_STATES) - set(CLOSED_STATES) == {S.DRAFT, S.MERGED}


def test_every_outcome_has_its_results_and_reasons_and_every_reason_one_outcome():
    assert set(RESULTS_OF_OUTCOME) == set(REASONS_OF_OUTCOME) == set(OUTCOMES)
    reasons = list(itertools.chain.from_iterable(REASONS_OF_OUTCOME.values()))
    assert sorted(reasons) == sorted(ReasonCode)


@pytest.fixture
def cast():
    there = Consultation()
    return there, {
        "author": there.reviewer,
        "adjudicator": there.adjudicator,
        "second": there.second,
        "panel": there.panel,
        "administrator": there.administrator,
        "another reviewer": there.another_reviewer(),
        "clock": None,
    }


def held_by(there, state, *, appealed=False):
    """A report put into a state, held by the adjudicator (in appeal: by the panel)."""
    holder = there.panel if appealed else there.adjudicator
    return ReportFactory(
        round=there.round,
        author=there.reviewer,
        commune=there.commune,
        state=state,
        master=ReportFactory(round=there.round) if state == S.MERGED else None,
        locked_by=holder,
        locked_until=there.at.replace(year=2030),
        appealed_at=there.at if appealed else None,
    )


def attempt(name, report, person, at):
    """Make a move without any guard of its own, to the first place where it leads."""
    move = ALL_MOVES[name]
    given = dict.fromkeys(move.needs, "given")
    changes = {"master": ReportFactory(round=report.round)} if name == "merge" else {}
    done = Effect(to=move.targets[0], changes=changes)
    return make_move(move=name, report=report, by=person, at=at, effect=lambda _held: done, given=given)


@pytest.mark.parametrize("state", ReportState)
def test_only_the_moves_of_the_table_are_possible_and_only_for_who_makes_them(cast, state):
    there, people = cast
    report = held_by(there, state)
    start = {"state": state, "locked_by": there.adjudicator, "locked_until": report.locked_until, "due_on": None}
    for (name, move), (who, person) in itertools.product(ALL_MOVES.items(), people.items()):
        Report.objects.filter(pk=report.pk).update(**start)
        expected = state in move.sources and who in PEOPLE_OF_KIND[move.who]
        if expected:
            assert attempt(name, report, person, there.at).state == move.targets[0], (name, who)
        else:
            with pytest.raises(BiocciaError) as raised:
                attempt(name, report, person, there.at)
            # Right before state: a stranger does not learn where the report stands.
            is_stranger = who not in PEOPLE_OF_KIND[move.who] | ({"second"} if move.who != Who.SIGNER else set())
            assert raised.type is NotAllowedError or not is_stranger, (name, who)
            report.refresh_from_db()
            assert report.state == state


@pytest.mark.parametrize("name", ["take", "ask", "send_to_field", "propose", "sign", "merge"])
def test_in_appeal_only_the_panel_moves_and_never_who_decided_before(cast, name):
    there, people = cast
    state = ALL_MOVES[name].sources[0]
    report = held_by(there, state, appealed=True)
    for who in ("adjudicator", "author", "administrator"):
        with pytest.raises(NotAllowedError):
            attempt(name, report, people[who], there.at)
    Decision.objects.create(
        report=report,
        outcome=S.REJECTED_SPEC,
        result="misunderstanding",
        reason_code="within_specification",
        reply="Non.",
        proposed_by=there.panel_second,
        proposed_at=there.at,
        sent_back_at=there.at,
    )
    with pytest.raises(NotAllowedError):
        attempt(name, report, there.panel_second, there.at)
    assert attempt(name, report, there.panel, there.at).state == ALL_MOVES[name].targets[0]


def test_an_adjudicator_never_moves_their_own_report(cast):
    there, _people = cast
    own = held_by(there, S.SUBMITTED)
    Report.objects.filter(pk=own.pk).update(author=there.adjudicator)
    with pytest.raises(NotAllowedError):
        attempt("take", own, there.adjudicator, there.at)


@pytest.mark.parametrize("name", [name for name, move in ALL_MOVES.items() if move.needs])
def test_a_move_says_which_of_what_it_needs_is_missing(cast, name):
    there, people = cast
    move = ALL_MOVES[name]
    report = held_by(there, move.sources[0])
    person = people[next(iter(PEOPLE_OF_KIND[move.who]))]
    with pytest.raises(BiocciaError) as raised:
        make_move(
            move=name, report=report, by=person, at=there.at, effect=lambda _held: Effect(to=move.targets[0]), given={}
        )
    assert set(raised.value.fields) == set(move.needs)


def test_every_move_leaves_a_row_that_nobody_changes_or_removes(cast):
    there, _people = cast
    report = there.taken()
    rows = list(report.moves.values_list("move", "from_state", "to_state", "by"))
    assert rows == [
        ("submit", "draft", "submitted", there.reviewer.pk),
        ("take", "submitted", "in_review", there.adjudicator.pk),
    ]


@pytest.mark.parametrize("change", ["update", "delete"])
@pytest.mark.parametrize("kind", ["move", "message", "decision"])
def test_the_database_refuses_to_rewrite_history(cast, kind, change):
    there, _people = cast
    there.rejected()
    rows = {"move": ReportMove.objects, "message": ReportMessage.objects, "decision": Decision.objects}
    act = {"update": lambda row: row.save(), "delete": lambda row: row.delete()}[change]
    with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
        act(rows[kind].latest("pk"))


def test_an_effect_that_leads_elsewhere_is_a_fault_of_ours(cast):
    there, _people = cast
    with pytest.raises(ValueError, match="take does not lead to accepted"):
        make_move(
            move="take",
            report=there.sent(),
            by=there.adjudicator,
            at=there.at,
            effect=lambda _held: Effect(to=S.ACCEPTED),
        )


def test_a_forbidden_move_says_where_the_report_stands_and_since_when(cast):
    there, _people = cast
    with pytest.raises(StateForbidsError) as raised:
        attempt("ask", there.sent(), there.adjudicator, there.at)
    assert "2024" in str(raised.value.detail)
    assert str(ReportState.SUBMITTED.label) in str(raised.value.detail)
