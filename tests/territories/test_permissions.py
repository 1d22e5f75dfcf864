import datetime

import pytest
from django.contrib.auth.models import AnonymousUser

from bioccia.errors import NotAllowedError
from territories import actions
from territories.permissions import may, require, rights_anywhere, territories_with_right
from territories.states import RIGHTS_OF_EVERY_HABITAT, RIGHTS_OF_ROLE, Role
from tests.factories import A_DAY, MandateFactory, TerritoryFactory, UserFactory, square

pytestmark = pytest.mark.django_db


@pytest.fixture
def places():
    region = TerritoryFactory(region=True)
    inside = TerritoryFactory(department=True, parent=region)
    beside = TerritoryFactory(department=True, parent=region, outline=square(3, 0))
    commune = TerritoryFactory(parent=inside)
    return {"region": region, "inside": inside, "beside": beside, "commune": commune}


@pytest.mark.parametrize("role", list(Role))
def test_each_role_holds_its_rights_in_its_territory_and_below_and_nowhere_else(role, places):
    person = MandateFactory(role=role, territory=places["inside"]).user
    every_right = {right for rights in RIGHTS_OF_ROLE.values() for right in rights}
    for right in every_right:
        expected = right in RIGHTS_OF_ROLE[role]
        assert may(person, right, places["inside"], on=A_DAY) is expected
        assert may(person, right, places["commune"], on=A_DAY) is expected
        assert not may(person, right, places["beside"], on=A_DAY)
        assert not may(person, right, places["region"], on=A_DAY)
    assert rights_anywhere(person, on=A_DAY) == set(RIGHTS_OF_ROLE[role])


def test_visitors_and_people_without_a_mandate_hold_nothing(places):
    for person in (AnonymousUser(), UserFactory()):
        assert territories_with_right(person, "see_samples", on=A_DAY) == []
        assert rights_anywhere(person, on=A_DAY) == set()
        with pytest.raises(NotAllowedError):
            require(person, "see_samples", places["region"], on=A_DAY)


def test_a_mandate_counts_on_its_first_and_last_day_only_between():
    last = A_DAY + datetime.timedelta(days=10)
    person = MandateFactory(role=Role.REVIEWER, ends_on=last).user
    day = datetime.timedelta(days=1)
    assert [may(person, "contest", on=on) for on in (A_DAY - day, A_DAY, last, last + day)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_commune_is_reached_through_its_intercommunality():
    grouping = TerritoryFactory(intercommunality=True)
    commune = TerritoryFactory(epci=grouping)
    person = MandateFactory(role=Role.REVIEWER, territory=grouping).user
    assert may(person, "contest", commune, on=A_DAY)


def test_a_mandate_without_its_grant_gives_nothing(places):
    person = MandateFactory(role=Role.REVIEWER, territory=places["inside"]).user
    person.groups.clear()
    assert not may(person, "contest", places["inside"], on=A_DAY)
    assert rights_anywhere(person, on=A_DAY) == set()


def test_a_mandate_for_some_habitats_counts_where_they_are_concerned_and_never_for_the_whole_map(places):
    person = MandateFactory(role=Role.ADJUDICATOR, territory=places["inside"], habitat_branch="E1").user
    here = {"territory": places["commune"], "on": A_DAY}
    assert may(person, "decide", **here)  # a menu: of some habitats
    assert may(person, "decide", **here, is_in=lambda branch: branch == "E1")
    assert not may(person, "decide", **here, is_in=lambda branch: False)
    assert may(person, "see_samples", **here)
    MandateFactory(user=person, role=Role.ADJUDICATOR, territory=places["inside"], habitat_branch="G1")
    assert may(person, "decide", **here, is_in=lambda branch: branch == "G1")
    assert len(territories_with_right(person, "decide", on=A_DAY)) == 1


@pytest.mark.parametrize("role", [Role.RELEASE_ADMINISTRATOR, Role.MODEL_ENGINEER, Role.PHOTO_INTERPRETER])
def test_what_concerns_the_whole_map_asks_for_a_mandate_for_every_habitat(role, places):
    person = MandateFactory(role=role, territory=places["region"], habitat_branch="E1").user
    whole = set(RIGHTS_OF_ROLE[role]) & RIGHTS_OF_EVERY_HABITAT
    assert whole
    assert not any(may(person, right, on=A_DAY) for right in whole)
    assert rights_anywhere(person, on=A_DAY) == set(RIGHTS_OF_ROLE[role]) - whole
    MandateFactory(user=person, role=role, territory=places["region"])
    assert all(may(person, right, on=A_DAY) for right in whole)
    assert rights_anywhere(person, on=A_DAY) == set(RIGHTS_OF_ROLE[role])


def test_groups_follow_the_calendar_and_keep_what_is_not_a_mandate():
    mandate = MandateFactory(role=Role.REVIEWER, ends_on=A_DAY)
    actions.refresh_grants_of(mandate.user, on=A_DAY + datetime.timedelta(days=1))
    assert not mandate.user.groups.exists()


def test_an_account_that_is_closed_holds_nothing():
    person = MandateFactory(role=Role.REVIEWER).user
    person.is_active = False
    person.save()
    assert not may(person, "contest", on=A_DAY)
    assert rights_anywhere(person, on=A_DAY) == set()


def test_sign_in_does_not_mind_the_case_of_the_address(client):
    person = UserFactory(email="anna@example.org")
    assert type(person).objects.get_by_natural_key("Anna@Example.org") == person
