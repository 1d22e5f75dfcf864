import pytest
from allauth.account.models import EmailAddress

from territories import actions
from territories.admin import MandateForm
from territories.states import Role
from tests.factories import A_DAY, PASSWORD, HabitatTypeFactory, OrganisationFactory, TerritoryFactory, UserFactory

pytestmark = pytest.mark.django_db


def opened(password=PASSWORD):
    return actions.open_account(
        email="Anna@Example.org", full_name="Anna", organisation=OrganisationFactory(), password=password
    )


def test_an_account_opened_twice_keeps_its_password_and_its_sessions():
    first = opened().get_session_auth_hash()
    assert opened().get_session_auth_hash() == first


def test_a_new_password_ends_the_sessions():
    first = opened().get_session_auth_hash()
    assert opened("another long password").get_session_auth_hash() != first


def test_the_address_of_an_account_is_vouched_for():
    user = opened()
    address = EmailAddress.objects.get(user=user)
    assert (address.email, address.verified, address.primary) == ("anna@example.org", True, True)


@pytest.mark.parametrize(("branch", "is_given"), [("", True), (" E1 ", True), ("e1", False), ("E1.*", False)])
def test_a_branch_that_holds_no_habitat_is_refused_where_mandates_are_given(branch, is_given):
    HabitatTypeFactory(code="E1.2")
    person, territory = UserFactory(), TerritoryFactory(region=True)
    given = {"user": person.pk, "role": Role.VALIDATOR, "territory": territory.pk, "starts_on": A_DAY}
    form = MandateForm({**given, "habitat_branch": branch})
    assert form.is_valid() is is_given
    assert ("habitat_branch" in form.errors) is not is_given
