import csv

import pytest
from django.urls import reverse

from territories.states import Role
from tests import factories

pytestmark = pytest.mark.django_db
FORMULAS = ["=HYPERLINK(0)", "+1", "-1", "@SUM(1)", "\t=1", "  =1", "＝1"]


def table(client, **query):
    answer = client.get(reverse("feedback:desk-export"), query, headers={"Accept-Language": "fr"})
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return answer, list(csv.reader(text.splitlines(), delimiter=";"))


@pytest.mark.parametrize("comment", FORMULAS)
def test_a_formula_in_a_comment_is_text_in_the_table(client, comment):
    client.force_login(factories.person_with(Role.ADJUDICATOR))
    factories.ReportPolygonFactory(report__comment=comment)
    answer, (_header, row) = table(client)
    assert answer["Content-Type"].startswith("text/csv")
    assert answer["Content-Disposition"].startswith("attachment")
    assert row[-1] == f"'{comment}"


def test_the_table_holds_the_sent_reports_of_the_readers_places_without_addresses(client):
    here = factories.TerritoryFactory()
    client.force_login(factories.person_with(Role.ADJUDICATOR, here))
    mine = factories.ReportFactory(commune=here, author__full_name="")
    factories.ReportFactory(commune=factories.TerritoryFactory())
    factories.ReportFactory(commune=here, draft=True)
    _answer, rows = table(client)
    assert [row[0] for row in rows[1:]] == [str(mine.pk)]
    assert not [cell for row in rows for cell in row if "@" in cell]


def test_the_table_of_one_round(client):
    client.force_login(factories.person_with(Role.RELEASE_ADMINISTRATOR))
    wanted = factories.ReportFactory()
    factories.ReportFactory()
    answer, rows = table(client, round=f'{wanted.round.key}"\r\n')
    assert [row[0] for row in rows[1:]] == [str(wanted.pk)]
    assert f"{wanted.round.key}.csv" in answer["Content-Disposition"]


def test_only_who_decides_takes_reports_along(client):
    address = reverse("feedback:desk-export")
    assert client.get(address).status_code == 302
    client.force_login(factories.person_with(Role.REVIEWER))
    assert client.get(address).status_code == 403
