import csv
import io

import pytest
from django.urls import reverse

from territories.states import Role
from tests import factories

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}


@pytest.fixture
def commune():
    """A commune in a department and an intercommunality, with three habitats in 2023 and in 2024."""
    region = factories.TerritoryFactory(region=True)
    department = factories.TerritoryFactory(department=True, parent=region, name="Rivage")
    epci = factories.TerritoryFactory(intercommunality=True, parent=region, name="Pays des Étangs")
    commune = factories.TerritoryFactory(code="34001", name="L'Étang-Neuf", parent=department, epci=epci)
    habitats = [factories.HabitatTypeFactory(code=code, in_legend=True) for code in ("A2.5", "E1.2", "J1.2")]
    before = factories.VintageFactory(published=True, year=2023)
    after = factories.VintageFactory(published=True, year=2024, version=before.version)
    for vintage, areas in ((before, (100, 200, 0)), (after, (60, 200, 40))):
        for habitat, hectares in zip(habitats, areas, strict=True):
            if hectares:
                factories.TerritoryStatisticFactory(
                    vintage=vintage, territory=commune, habitat_type=habitat, area_m2=hectares * 10_000
                )
    factories.TerritoryTransitionFactory(
        vintage=after,
        earlier=before,
        territory=commune,
        from_type=habitats[0],
        to_type=habitats[2],
        area_m2=400_000,
    )
    factories.PolygonFactory(vintage=after, habitat_type=habitats[1], confidence=70)
    return commune


def sheet(client, territory, **parameters):
    path = reverse("habitats:territory", args=[territory.kind, territory.code])
    return client.get(path, parameters, headers=ENGLISH)


def test_the_sheet_shows_the_latest_published_vintage_beside_the_one_before(client, commune):
    context = sheet(client, commune).context
    assert [line.habitat_type.code for line in context["sheet"].areas] == ["E1.2", "A2.5", "J1.2"]
    assert (context["sheet"].vintage.year, context["sheet"].earlier.year) == (2024, 2023)
    assert sum(line.share for line in context["sheet"].areas) == pytest.approx(1)


def test_changes_are_signed_and_said_in_words(client, commune):
    response = sheet(client, commune)
    changes = {line.habitat_type.code: line for line in response.context["sheet"].changes}
    assert changes["A2.5"].difference_m2 == -400_000
    assert changes["J1.2"].ratio is None
    page = response.content.decode()
    assert "−40.0 ha" in page
    assert "+40.0 ha" in page
    assert ">loss<" in page
    assert ">new<" in page or "new</td>" in page


def test_transitions_are_listed_from_and_to(client, commune):
    context = sheet(client, commune).context
    assert [(row.from_type.code, row.to_type.code) for row in context["sheet"].largest_transitions] == [
        ("A2.5", "J1.2")
    ]


def test_vintages_chosen_the_wrong_way_round_are_put_in_order_of_time(client, commune):
    older, newer = sheet(client, commune).context["sheet"].earlier, sheet(client, commune).context["sheet"].vintage
    chosen = sheet(client, commune, vintage=older.pk, compared=newer.pk).context["sheet"]
    assert (chosen.vintage, chosen.earlier) == (newer, older)


def test_confidence_is_the_mean_of_the_polygons_that_touch_the_territory(client, commune):
    assert sheet(client, commune).context["sheet"].mean_confidence == 70


def test_a_visitor_does_not_see_a_working_vintage_and_a_mandate_holder_does(client, commune):
    working = factories.VintageFactory(year=2025)
    assert sheet(client, commune, vintage=working.pk).status_code == 404
    client.force_login(factories.person_with(Role.REVIEWER))
    assert sheet(client, commune, vintage=working.pk).context["sheet"].vintage == working


def test_a_region_without_vintage_says_so(client):
    response = sheet(client, factories.TerritoryFactory())
    assert response.status_code == 200
    assert "No vintage yet" in response.content.decode()


def test_an_unknown_territory_is_not_found(client, commune):
    assert client.get("/territoires/commune/99999/").status_code == 404
    assert client.get("/territoires/country/34001/").status_code == 404


def test_the_sheet_leads_to_wider_and_narrower_territories(client, commune):
    page = sheet(client, commune).content.decode()
    assert reverse("habitats:territory", args=["department", commune.parent.code]) in page
    assert reverse("habitats:territory", args=["epci", commune.epci.code]) in page
    for wider in (commune.parent, commune.epci):
        (title, places), *_rest = sheet(client, wider).context["related"]
        assert (title, places) == ("Communes", [commune])


def test_years_and_numbers_of_addresses_have_no_thousands_separator(client, commune):
    page = client.get(reverse("habitats:territory", args=["commune", "34001"])).content.decode()
    assert "2024" in page
    assert "2\xa0024" not in page
    assert "2\u202f024" not in page


def test_the_table_to_download_holds_the_same_figures(client, commune):
    path = reverse("habitats:territory-csv", args=["commune", "34001"])
    text = client.get(path, headers=ENGLISH).getvalue().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["code"] for row in rows] == ["E1.2", "A2.5", "J1.2"]
    assert [float(row["difference (ha)"]) for row in rows] == [0.0, -40.0, 40.0]


def test_a_habitat_that_disappeared_stays_in_the_download(client, commune):
    vintage = factories.VintageFactory(published=True, year=2025)
    path = reverse("habitats:territory-csv", args=["commune", "34001"])
    text = client.get(path, {"vintage": vintage.pk}, headers=ENGLISH).getvalue().decode("utf-8-sig")
    rows = {row["code"]: row for row in csv.DictReader(io.StringIO(text))}
    assert float(rows["J1.2"]["difference (ha)"]) == -40.0


def test_a_label_that_looks_like_a_formula_is_disarmed_in_the_download(client, commune):
    kind = factories.HabitatTypeFactory(code="X1", label_en="=2+2", in_legend=True)
    vintage = factories.VintageFactory(published=True, year=2025)
    factories.TerritoryStatisticFactory(vintage=vintage, territory=commune, habitat_type=kind)
    path = reverse("habitats:territory-csv", args=["commune", "34001"])
    assert ",'=2+2," in client.get(path, headers=ENGLISH).getvalue().decode()


def test_a_download_without_vintage_says_why(client):
    territory = factories.TerritoryFactory()
    response = client.get(reverse("habitats:territory-csv", args=["commune", territory.code]), headers=ENGLISH)
    assert response.status_code == 422
    assert "nothing to download" in response.content.decode()


def test_species_are_listed_for_a_commune_and_the_section_is_absent_without_any(client, commune):
    assert "Species observed here" not in sheet(client, commune).content.decode()
