import datetime

import pytest
from django.contrib.auth.models import AnonymousUser

from bioccia.errors import NotAllowedError
from territories import actions
from territories.permissions import may, require, rights_anywhere, territories_with_right
from territories.states import RIGHTS_OF_ROLE, Role
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
