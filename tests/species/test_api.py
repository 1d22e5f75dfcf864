import pytest
from django.contrib.gis.geos import Point

from species.states import Precision
from tests import factories
from tests.factories.species import ObservationFactory, TaxonFactory

pytestmark = pytest.mark.django_db
EXACT, BLURRED = Point(2.311, 43.611, srid=4326), Point(2.35, 43.65, srid=4326)
AROUND_EXACT = "2.310,43.610,2.312,43.612"
AROUND_BLURRED = "2.34,43.64,2.36,43.66"


def features(client, **parameters):
    answer = client.get("/api/v1/observations/", parameters)
    assert answer.status_code == 200, answer.content
    return answer.json()["features"]


def sensitive(level, **fields):
    return ObservationFactory(sensitivity=level, geometry=EXACT, shown_geometry=BLURRED, **fields)


def test_taxa_are_found_by_name_number_and_family(client):
    thyme = TaxonFactory(scientific_name="Thymus vulgaris", family="Lamiaceae", vernacular_fr="Thym commun")
    TaxonFactory(scientific_name="Chara aspera")
    for parameters in ({"search": "thym COMMUN"}, {"cd_nom": thyme.cd_nom}, {"family": "lamiaceae"}):
        rows = client.get("/api/v1/taxa/", parameters).json()["results"]
        assert [row["id"] for row in rows] == [thyme.pk]


def test_an_observation_is_a_feature_with_its_dataset_and_licence(client):
    observation = ObservationFactory(geometry=EXACT, count=3, uncertainty_m=25.0)
    (feature,) = features(client)
    assert feature["geometry"] == {"type": "Point", "coordinates": [2.311, 43.611]}
    assert (
        feature["properties"]
        | {"count": 3, "uncertainty_m": 25.0, "precision": "exact", "licence": "Licence Ouverte 2.0"}
        == (feature["properties"])
    )
    assert feature["properties"]["commune"] == observation.commune.code


@pytest.mark.parametrize(("level", "precision"), [(1, "commune"), (2, "cell_10km"), (3, "department")])
def test_a_sensitive_observation_shows_its_blurred_place_only(client, level, precision):
    observation = sensitive(level, uncertainty_m=12.5)
    (feature,) = features(client)
    properties = feature["properties"]
    assert feature["geometry"]["coordinates"] == [2.35, 43.65]
    assert (properties["precision"], properties["observers"]) == (precision, "")
    assert properties["uncertainty_m"] is None
    assert (properties["commune"] is None) == (level > Precision.COMMUNE)
    body = client.get(f"/api/v1/observations/{observation.pk}/").content.decode()
    for secret in ("2.311", "43.611", observation.source_id, observation.observers):
        assert secret not in body


def test_what_is_shown_to_nobody_is_in_no_answer(client):
    observation = ObservationFactory(hidden=True)
    assert features(client) == []
    assert client.get(f"/api/v1/observations/{observation.pk}/").status_code == 404


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_box_around_the_exact_place_finds_nothing_sensitive(client, level):
    sensitive(level)
    assert features(client, bbox=AROUND_EXACT) == []
    assert len(features(client, bbox=AROUND_BLURRED)) == 1


def test_a_commune_does_not_answer_for_what_is_shown_by_cell_or_department(client):
    department = factories.TerritoryFactory(department=True, outline=factories.square(side=0.1))
    commune = factories.TerritoryFactory(parent=department)
    for level in (0, 1, 2, 3):
        sensitive(level, commune=commune)
    precisions = [
        feature["properties"]["precision"] for feature in features(client, territory=f"commune:{commune.code}")
    ]
    assert precisions == ["exact", "commune"]
    assert len(features(client, territory=f"department:{department.code}")) == 4


def test_a_department_answers_for_a_cell_by_its_center_only(client):
    beyond = factories.TerritoryFactory(department=True, outline=factories.square(side=0.03))
    commune = factories.TerritoryFactory(parent=beyond)
    sensitive(2, commune=commune)
    assert features(client, territory=f"department:{beyond.code}") == []


def test_observations_are_filtered_by_taxon_with_its_synonyms_and_by_date(client):
    accepted = TaxonFactory()
    ObservationFactory(taxon=TaxonFactory(accepted=accepted))
    ObservationFactory(taxon=accepted)
    ObservationFactory()
    assert len(features(client, taxon=accepted.pk)) == 2
    assert len(features(client, since="2030-01-01")) == 0
    assert len(features(client, until="2030-01-01")) == 3


def test_a_wrong_filter_is_named(client):
    answer = client.get("/api/v1/observations/", {"bbox": "1,2"})
    assert answer.status_code == 422
    assert "bbox" in answer.json()["fields"]
