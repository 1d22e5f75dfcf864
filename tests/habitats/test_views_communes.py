import pytest
from django.urls import reverse

from tests import factories

pytestmark = pytest.mark.django_db


def search(client, text, **headers):
    return client.get(reverse("habitats:commune-search"), {"q": text}, headers=headers)


def test_the_page_lists_communes_with_their_sheets(client):
    commune = factories.TerritoryFactory(name="Bois-Joli")
    said = search(client, "bois").content.decode()
    assert reverse("habitats:territory", args=["commune", commune.code]) in said


def test_suggestions_are_options_with_their_frame(client):
    factories.TerritoryFactory(name="Bois-Joli", code="34001")
    said = search(client, "joli", **{"HX-Request": "true"}).content.decode()
    assert 'role="option"' in said
    assert 'data-box="2.30000,43.60000,2.32000,43.62000"' in said
    assert "<html" not in said


def test_no_more_than_eight_are_suggested(client):
    for _number in range(12):
        factories.TerritoryFactory()
    assert search(client, "essai", **{"HX-Request": "true"}).content.decode().count('role="option"') == 8


def test_an_unknown_name_says_what_to_try(client):
    assert 'class="empty"' in search(client, "Atlantis").content.decode()
