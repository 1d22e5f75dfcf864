import pytest

from tests import factories

pytestmark = pytest.mark.django_db
ROUNDS = "/api/v1/rounds/"


def keys(client, **query):
    answer = client.get(ROUNDS, query)
    assert answer.status_code == 200, answer.content
    return {row["key"] for row in answer.json()["results"]}


def test_everybody_reads_when_and_where_the_map_may_be_contested(client):
    opened = factories.RoundFactory(territory=factories.TerritoryFactory(code="34172", name="Montpellier"))
    row = client.get(f"{ROUNDS}{opened.pk}/").json()
    assert (row["key"], row["territory"], row["territory_name"]) == (opened.key, "commune:34172", "Montpellier")
    assert (row["state"], row["receives"]) == ("open", True)


def test_a_round_in_grace_receives_and_one_that_is_over_does_not(client):
    rows = [factories.RoundFactory(**{trait: True}) for trait in ("in_grace", "over", "planned")]
    assert [client.get(f"{ROUNDS}{row.pk}/").json()["receives"] for row in rows] == [True, False, False]


def test_rounds_are_filtered_by_year_state_and_territory(client):
    department = factories.TerritoryFactory(department=True)
    commune = factories.TerritoryFactory(parent=department)
    wide = factories.RoundFactory(territory=department)
    narrow = factories.RoundFactory(territory=commune, year=2023, over=True)
    elsewhere = factories.RoundFactory()
    assert keys(client) == {wide.key, narrow.key, elsewhere.key}
    assert keys(client, year=2023) == {narrow.key}
    assert keys(client, state="closed") == {narrow.key}
    assert keys(client, territory=f"department:{department.code}") == {wide.key, narrow.key}
    assert client.get(ROUNDS, {"state": "ajar"}).status_code == 422


def test_a_list_of_rounds_asks_as_often_for_one_as_for_many(client, django_assert_num_queries):
    factories.RoundFactory.create_batch(3)
    with django_assert_num_queries(2):
        client.get(ROUNDS)


def test_nobody_writes_a_round_through_the_api(client):
    client.force_login(factories.UserFactory())
    assert client.post(ROUNDS, {}, content_type="application/json").status_code == 405
