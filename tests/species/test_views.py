import pytest
from django.urls import reverse

from tests import factories
from tests.factories.species import ObservationFactory, TaxonFactory

pytestmark = pytest.mark.django_db


def page(client, address, **parameters):
    answer = client.get(address, parameters, headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_begins_with_the_taxa_observed(client):
    ObservationFactory(taxon=TaxonFactory(scientific_name="Thymus vulgaris", vernacular_en="Garden thyme"))
    TaxonFactory(scientific_name="Never seen")
    text = page(client, reverse("species:list"))
    assert "Thymus vulgaris" in text
    assert "Garden thyme" in text
    assert "Never seen" not in text


def test_a_name_is_searched_among_all_and_a_synonym_says_so(client):
    accepted = TaxonFactory(scientific_name="Thymus vulgaris")
    TaxonFactory(scientific_name="Thymus aestivus", accepted=accepted)
    text = page(client, reverse("species:list"), q="aestiv")
    assert "Thymus aestivus" in text
    assert "synonym of" in text


def test_a_name_that_nobody_has_gives_a_way_out(client):
    assert reverse("species:list") in page(client, reverse("species:list"), q="zzz")


def test_a_wrong_page_or_an_endless_name_does_no_harm(client):
    assert page(client, reverse("species:list"), page="x")
    assert page(client, reverse("species:list"), q="a" * 500)


def test_the_sheet_of_a_taxon_names_its_communes_and_its_sources(client):
    taxon = TaxonFactory(scientific_name="Thymus vulgaris", family="Lamiaceae")
    commune = factories.TerritoryFactory(name="Trèbes-sur-Essai")
    ObservationFactory(taxon=taxon, commune=commune)
    ObservationFactory(taxon=taxon, sensitivity=2)
    text = page(client, reverse("species:taxon", args=[taxon.pk]))
    for words in ("Lamiaceae", "Trèbes-sur-Essai", "Carnets d&#x27;essai", "Licence Ouverte 2.0", "10 km cell"):
        assert words in text


def test_the_sheet_of_a_synonym_leads_to_the_accepted_name(client):
    accepted = TaxonFactory(scientific_name="Thymus vulgaris")
    synonym = TaxonFactory(accepted=accepted)
    assert reverse("species:taxon", args=[accepted.pk]) in page(client, reverse("species:taxon", args=[synonym.pk]))


def test_a_taxon_that_does_not_exist_is_not_found(client):
    assert client.get(reverse("species:taxon", args=[1])).status_code == 404


def test_the_administration_shows_no_exact_position(client):
    observation = ObservationFactory(sensitivity=3)
    client.force_login(factories.UserFactory(administrator=True))
    for address in (
        reverse("admin:species_observation_changelist"),
        reverse("admin:species_observation_change", args=[observation.pk]),
    ):
        text = client.get(address).content.decode()
        assert observation.cited_name in text
        assert "43.61" not in text
