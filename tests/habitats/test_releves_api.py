import pytest

from species.states import Diffusion, Precision
from territories.states import Role
from tests import factories

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/releves/"


@pytest.fixture
def validator():
    factories.RegionFactory()
    return factories.person_with(Role.VALIDATOR)


def listed(client, person, **parameters):
    client.force_login(person)
    answer = client.get(ADDRESS, parameters)
    assert answer.status_code == 200, answer.content
    return answer.json()["features"]


def test_nobody_unknown_is_answered(client):
    assert client.get(ADDRESS).status_code == 401


def test_a_validator_reads_places_and_determinations(client, validator):
    releve = factories.ReleveFactory()
    (feature,) = listed(client, validator)
    assert feature["geometry"]["coordinates"] == pytest.approx(releve.geometry.coords)
    assert feature["properties"]["determinations"][0]["habitat"]["code"] == "E1.2"
    assert client.get(f"{ADDRESS}{releve.pk}/").json()["properties"]["uuid"] == str(releve.uuid)


def test_the_place_of_a_sensitive_releve_is_coarse_and_cannot_be_searched(client, validator):
    coarse = factories.spot(0.01, 0.01)
    factories.ReleveFactory(
        dataset__diffusion=Diffusion.STANDARD,
        shown_precision=Precision.COMMUNE,
        shown_geometry=coarse,
        comment="au puits",
    )
    factories.ReleveFactory(hidden=True)
    adjudicator = factories.person_with(Role.ADJUDICATOR)
    (feature,) = listed(client, adjudicator)
    assert feature["geometry"]["coordinates"] == pytest.approx(coarse.coords)
    assert (feature["properties"]["is_exact"], feature["properties"]["comment"]) == (False, "")
    x, y = factories.spot().coords
    exact_box = f"{x - 0.001},{y - 0.001},{x + 0.001},{y + 0.001}"
    assert listed(client, adjudicator, bbox=exact_box) == []
    assert len(listed(client, validator, bbox=exact_box)) == 2


def test_drafts_are_their_authors_alone(client, validator):
    draft = factories.ReleveFactory(draft=True)
    assert listed(client, validator) == []
    assert len(listed(client, draft.author)) == 1


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({"year": "2024"}, 2),
        ({"level": "1"}, 1),
        ({"habitat": "E1.2"}, 2),
        ({"habitat": "E9"}, 0),
        ({"stale": "true"}, 0),
        ({"geometry": "none"}, 2),
        ({"state": "draft"}, 0),
    ],
)
def test_lists_are_filtered(client, validator, parameters, count):
    factories.ReleveFactory()
    factories.ReleveFactory(certain=True)
    assert len(listed(client, validator, **parameters)) == count
