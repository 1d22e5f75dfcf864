import pytest
from allauth.account.models import EmailAddress

from territories import actions
from tests.factories import PASSWORD, OrganisationFactory

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
