import datetime

import pytest

from species import queries
from species.states import Precision
from tests import factories
from tests.factories.species import ObservationFactory, TaxonFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def commune():
    department = factories.TerritoryFactory(department=True, outline=factories.square(side=0.04))
    epci = factories.TerritoryFactory(intercommunality=True, outline=factories.square(side=0.04))
    return factories.TerritoryFactory(parent=department, epci=epci)


def names(territory):
    return [seen.taxon.scientific_name for seen in queries.taxa_of_commune(territory)]


def test_taxa_of_a_commune_come_with_their_observations_and_last_date(commune):
    thyme = TaxonFactory(scientific_name="Thymus vulgaris")
    for year in (2021, 2023):
        ObservationFactory(taxon=thyme, commune=commune, observed_to=datetime.date(year, 5, 1), observed_from=None)
    ObservationFactory(taxon__scientific_name="Chara aspera", commune=commune, observed_from=None, observed_to=None)
    ObservationFactory(taxon__scientific_name="Elsewhere sola")
    first, second = queries.taxa_of_commune(commune)
    assert (first.taxon.scientific_name, first.observations, first.last_seen_on) == ("Chara aspera", 1, None)
    assert (second.taxon, second.observations, second.last_seen_on) == (thyme, 2, datetime.date(2023, 5, 1))


def test_a_synonym_is_counted_under_its_accepted_name(commune):
    accepted = TaxonFactory(scientific_name="Thymus vulgaris")
    ObservationFactory(taxon=accepted, commune=commune)
    ObservationFactory(taxon=TaxonFactory(accepted=accepted), commune=commune)
    (seen,) = queries.taxa_of_commune(commune)
    assert (seen.taxon, seen.observations) == (accepted, 2)


@pytest.mark.parametrize(("sensitivity", "is_listed"), [(0, True), (1, True), (2, False), (3, False), (4, False)])
def test_only_taxa_whose_commune_may_be_named_are_listed(commune, sensitivity, is_listed):
    taxon = TaxonFactory()
    hidden = {"shown_geometry": None} if sensitivity == Precision.NOTHING else {}
    ObservationFactory(taxon=taxon, commune=commune, sensitivity=sensitivity, **hidden)
    assert (names(commune) == [taxon.scientific_name]) == is_listed
    assert bool(queries.communes_of_taxon(taxon)) == is_listed
    assert queries.taxa_observed().contains(taxon) == is_listed


def test_wider_territories_gather_their_communes(commune):
    ObservationFactory(taxon__scientific_name="Thymus vulgaris", commune=commune)
    assert names(commune.parent) == names(commune.epci) == ["Thymus vulgaris"]


def test_what_is_too_sensitive_for_communes_is_counted_apart():
    taxon = TaxonFactory()
    for sensitivity in (0, 2, 3):
        ObservationFactory(taxon=taxon, sensitivity=sensitivity)
    ObservationFactory(taxon=taxon, hidden=True)
    assert queries.count_placed_coarsely(taxon) == 2


def test_communes_of_a_taxon_begin_with_the_most_observed():
    taxon = TaxonFactory()
    rare, common = factories.TerritoryFactory(name="Rare"), factories.TerritoryFactory(name="Commune")
    ObservationFactory(taxon=taxon, commune=rare)
    ObservationFactory.create_batch(2, taxon=taxon, commune=common)
    assert [(line.commune.name, line.observations) for line in queries.communes_of_taxon(taxon)] == [
        ("Commune", 2),
        ("Rare", 1),
    ]


def test_the_gate_does_not_load_what_tells_more_than_the_shown_place():
    ObservationFactory()
    loaded = queries.shown_observations().get()
    assert loaded.get_deferred_fields() == {"geometry", "cell"}


def test_names_are_found_without_accents_and_beginnings_come_first():
    TaxonFactory(scientific_name="Exempla isoetoides")
    TaxonFactory(scientific_name="Isoëtes duriei", vernacular_fr="Isoète de Durieu")
    assert [taxon.scientific_name for taxon in queries.taxa_named("isoet")] == ["Isoëtes duriei", "Exempla isoetoides"]
    assert queries.taxa_named("isoete de DURIEU").count() == 1
