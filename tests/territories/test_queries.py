import pytest

from territories.queries import narrowest_kind, place_named, territories_named
from tests import factories

pytestmark = pytest.mark.django_db


def names(text):
    return [territory.name for territory in territories_named(text, kind="commune")]


@pytest.mark.parametrize("text", ["saint etienne", "ST ETIENNE", "Saint-Étienne", "etienne saint", "34123"])
def test_accents_case_hyphens_and_short_words_do_not_matter(text):
    factories.TerritoryFactory(name="Saint-Étienne-d'Albagnan", code="34123")
    factories.TerritoryFactory(name="Étang-Noir", code="11001")
    assert names(text) == ["Saint-Étienne-d'Albagnan"]


def test_names_that_begin_so_come_first():
    for name in ("Le Mas", "Mas-Vieux"):
        factories.TerritoryFactory(name=name)
    assert names("mas") == ["Mas-Vieux", "Le Mas"]


def test_an_empty_search_lists_all():
    factories.TerritoryFactory(name="B")
    factories.TerritoryFactory(name="A")
    assert names("  ") == ["A", "B"]


def test_without_communes_the_narrowest_kind_is_searched():
    factories.TerritoryFactory(region=True)
    factories.TerritoryFactory(department=True)
    assert narrowest_kind() == "department"


def test_a_place_is_named_by_code_then_by_its_exact_name():
    factories.TerritoryFactory(name="Lozère-le-Vieux", code="48999")
    department = factories.TerritoryFactory(department=True, name="Lozère", code="48")
    assert place_named("Lozère") == department
    assert place_named("Quelque part (48999)").name == "Lozère-le-Vieux"
    assert place_named("nulle part") is None
