import datetime

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from feedback.forms.rounds import free_key
from feedback.models import Round
from feedback.states import ReportState, RoundState
from feedback.views.rounds import when_in_words
from territories.states import Role
from tests import factories

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}


@pytest.fixture
def whole():
    """The region, and a department in it."""
    factories.RegionFactory(years=[2023, 2024])
    return factories.TerritoryFactory(region=True, outline=factories.square(side=0.4))


@pytest.fixture
def administrator(client, whole):
    """A signed-in release administrator."""
    person = factories.person_with(Role.RELEASE_ADMINISTRATOR, whole)
    client.force_login(person)
    return person


def page(client, address="feedback:round-list", *arguments):
    return client.get(reverse(address, args=arguments), headers=ENGLISH)


def post(client, address, *arguments, **fields):
    return client.post(reverse(address, args=arguments), fields, headers=ENGLISH)


def plan(**fields):
    """What the form sends: a month, beginning in ten days."""
    first = timezone.localdate() + datetime.timedelta(days=10)
    return {
        "year": 2024,
        "territory": "76",
        "name": "Tour de printemps",
        "opens_on": first.isoformat(),
        "closes_on": (first + datetime.timedelta(days=30)).isoformat(),
        "grace_days": 7,
        **fields,
    }


def test_a_round_shows_its_dates_its_counts_and_what_is_left(client, whole, administrator):
    found = factories.RoundFactory(territory=whole)
    for state in (ReportState.SUBMITTED, ReportState.ACCEPTED, ReportState.REJECTED_SPEC, ReportState.DRAFT):
        factories.ReportFactory(round=found, state=state)
    response = page(client)
    (sheet,) = response.context["sheets"]
    assert (sheet.sent, sheet.done, sheet.left, sheet.drafts) == (3, 2, 1, 1)
    text = response.content.decode()
    assert "2 of 3 answered" in text
    assert f"{reverse('feedback:desk')}?round={found.key}" in text


def test_a_round_is_told_commune_by_commune(client, whole, administrator):
    found = factories.RoundFactory(territory=whole)
    busy, calm = factories.TerritoryFactory(), factories.TerritoryFactory()
    factories.ReportFactory(round=found, commune=calm, state=ReportState.ACCEPTED)
    factories.ReportFactory.create_batch(2, round=found, commune=busy)
    rows = page(client, "feedback:round", found.key).context["rows"]
    assert [(row["commune"], row["sent"], row["left"], row["done"]) for row in rows] == [
        (busy.pk, 2, 2, 0),
        (calm.pk, 1, 0, 1),
    ]


def test_a_round_is_planned_at_midnight_with_its_grace(client, administrator):
    fields = plan()
    response = post(client, "feedback:round-plan", **fields)
    planned = Round.objects.get()
    assert response.url == reverse("feedback:round", args=[planned.key])
    assert (planned.state, planned.key) == (RoundState.PLANNED, "2024-76-M1")
    assert timezone.localtime(planned.opens_at).isoformat()[:16] == f"{fields['opens_on']}T00:00"
    last_day = datetime.date.fromisoformat(fields["closes_on"])
    assert timezone.localdate(planned.closes_at) == last_day + datetime.timedelta(days=1)
    assert planned.grace_ends_at - planned.closes_at == datetime.timedelta(days=7)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"territory": "Nulle-Part"}, "territory"),
        ({"closes_on": "2020-01-01"}, "closes_on"),
        ({"opens_on": "the day after"}, "opens_on"),
        ({"year": 1999}, "year"),
        ({"grace_days": 900}, "grace_days"),
        ({"name": ""}, "name"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_beside_its_field(client, administrator, changes, field):
    response = post(client, "feedback:round-plan", **plan(**changes))
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert not Round.objects.exists()


def test_the_next_round_of_a_territory_takes_the_next_number(whole):
    factories.RoundFactory(key="2024-76-M1", territory=whole)
    assert free_key(2024, whole) == "2024-76-M2"
    assert free_key(2023, whole) == "2023-76-M1"


def test_an_administrator_opens_and_closes_a_round_after_a_confirmation(client, whole, administrator):
    factories.VintageFactory(region=factories.RegionFactory(), year=2024)
    now = timezone.now()
    found = factories.RoundFactory(planned=True, territory=whole, opens_at=now, closes_at=now + datetime.timedelta(9))
    assert reverse("feedback:round-open", args=[found.key]) in page(client).content.decode()
    post(client, "feedback:round-open", found.key)
    assert Round.objects.get().state == RoundState.OPEN
    text = page(client, "feedback:round", found.key).content.decode()
    assert "No new report can be begun any more." in text
    post(client, "feedback:round-close", found.key)
    assert Round.objects.get().state == RoundState.CLOSED


def test_a_round_that_is_open_is_not_opened_again(client, whole, administrator):
    found = factories.RoundFactory(territory=whole)
    assert post(client, "feedback:round-open", found.key).status_code == 409


@pytest.mark.parametrize("role", [Role.ADJUDICATOR, Role.REVIEWER])
def test_those_who_do_not_release_read_rounds_and_change_none(client, whole, role):
    found = factories.RoundFactory(territory=whole)
    client.force_login(factories.person_with(role, whole))
    response = page(client)
    assert response.context["form"] is None
    assert not response.context["sheets"][0].may_hold
    assert post(client, "feedback:round-close", found.key).status_code == 403
    assert post(client, "feedback:round-plan", **plan()).status_code == 403
    assert Round.objects.get().state == RoundState.OPEN


def test_people_outside_the_consultation_do_not_enter(client, whole):
    client.force_login(factories.person_with(Role.PLANNER, whole))
    assert page(client).status_code == 403
    client.logout()
    assert page(client).status_code == 302


def test_the_dates_of_a_round_are_a_sentence():
    now = timezone.now()
    days = datetime.timedelta(days=1)
    dates = {"opens_at": now + 3 * days, "closes_at": now + 30 * days, "grace_ends_at": now + 37 * days}
    with translation.override("en"):
        assert "in 3 days" in when_in_words(Round(state=RoundState.PLANNED, **dates), now)
        assert "in 30 days" in when_in_words(Round(state=RoundState.OPEN, **dates), now)
        assert "in 37 days" in when_in_words(Round(state=RoundState.CLOSED, **dates), now)
        assert when_in_words(Round(state=RoundState.CLOSED, **dates), now + 40 * days).startswith("Closed on")
        assert "today" in when_in_words(Round(state=RoundState.OPEN, **{**dates, "closes_at": now}), now)


def test_an_empty_list_says_what_to_do(client, administrator):
    assert "Plan one above" in page(client).content.decode()
