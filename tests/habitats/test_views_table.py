import csv
import io

import pytest
from django.urls import reverse

from habitats.views.spreadsheet import safe_cell
from tests import factories

pytestmark = pytest.mark.django_db
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def vintage():
    """Three polygons of two habitats in two communes."""
    communes = [
        factories.TerritoryFactory(name="Bois-Joli", code="34001"),
        factories.TerritoryFactory(name="Lac-Noir", code="34002", outline=factories.square(1, 0)),
    ]
    vintage = factories.VintageFactory(published=True)
    forest, lawn = (factories.HabitatTypeFactory(code=code, in_legend=True) for code in ("G2.1", "E1.2"))
    for column, habitat, confidence in ((0, forest, 90), (1, lawn, 50), (2, lawn, 70)):
        outline = factories.square(column, 0, side=0.018)
        factories.PolygonFactory(vintage=vintage, outline=outline, habitat_type=habitat, confidence=confidence)
    factories.TerritoryStatisticFactory(vintage=vintage, territory=communes[0], habitat_type=forest, area_m2=50_000)
    return vintage


def ask(client, **filters):
    return client.get(reverse("habitats:map-table"), filters, headers=ENGLISH)


def rows_of(answer):
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def numbers(answer):
    return [polygon.habitat_type.code for polygon in answer.context["page"]]


def test_the_table_counts_the_whole_map_by_habitat(client, vintage):
    rows = ask(client).context["rows"]
    assert {row["habitat_type"].code: row["polygon_count"] for row in rows} == {"E1.2": 2, "G2.1": 1}
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert rows[0]["bar"] == 1


def test_a_territory_is_found_by_name_code_or_both(client, vintage):
    for text in ("bois joli", "34001", "Bois-Joli (34001)"):
        answer = ask(client, place=text)
        assert answer.context["place"].code == "34001"
        assert [row["area_m2"] for row in answer.context["rows"]] == [50_000]
        assert numbers(answer) == ["G2.1"]


def test_an_unknown_place_names_the_field(client, vintage):
    answer = ask(client, place="Atlantis")
    assert answer.status_code == 422
    assert "place" in answer.context["form"].errors


def test_polygons_are_filtered_and_sorted(client, vintage):
    assert numbers(ask(client, habitat="E1.2")) == ["E1.2", "E1.2"]
    assert numbers(ask(client, confidence=80)) == ["G2.1"]
    assert [polygon.confidence for polygon in ask(client, sort="confidence").context["page"]] == [50, 70, 90]
    assert [polygon.confidence for polygon in ask(client, sort="-confidence").context["page"]] == [90, 70, 50]
    assert ask(client, sort="geometry; drop table").status_code == 200


def test_each_polygon_names_its_commune_and_its_place_on_the_map(client, vintage):
    answer = ask(client, habitat="G2.1")
    assert answer.context["page"][0].commune_name == "Bois-Joli"
    assert "#a=2024&amp;z=15&amp;lat=43.6" in answer.content.decode()


def test_the_downloads_follow_the_filters(client, vintage):
    polygons = rows_of(client.get(reverse("habitats:polygon-csv"), {"habitat": "E1.2"}, headers=ENGLISH))
    assert len(polygons) == 3
    areas = rows_of(client.get(reverse("habitats:area-csv"), headers=ENGLISH))
    assert [row[0] for row in areas[1:]] == ["E1.2", "G2.1"]


def test_a_french_spreadsheet_gets_semicolons_and_decimal_commas(client, vintage):
    answer = client.get(reverse("habitats:area-csv"), headers={"Accept-Language": "fr"})
    line = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()[1]
    assert line.startswith("E1.2;")
    assert "," in line.split(";")[2]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_run_as_a_formula(start):
    assert safe_cell(f"{start}1+1").startswith("'")


def test_figures_stay_figures():
    assert safe_cell(-3) == -3
    assert safe_cell(1.5, decimal_mark=",") == "1,5"
    assert safe_cell("Bois-Joli") == "Bois-Joli"


def test_without_a_vintage_the_table_says_what_comes_and_downloads_nothing(client):
    assert ask(client).status_code == 200
    assert client.get(reverse("habitats:polygon-csv")).status_code == 422


def test_a_vintage_that_one_may_not_see_is_no_choice(client, vintage):
    hidden = factories.VintageFactory(region=vintage.region, year=2025)
    assert ask(client, vintage=hidden.pk).status_code == 422
