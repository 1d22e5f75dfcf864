import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from feedback.states import RoundState
from tests import factories

pytestmark = pytest.mark.django_db


def said(command, key):
    out = StringIO()
    call_command(command, key, stdout=out, stderr=StringIO())
    return json.loads(out.getvalue().strip().splitlines()[-1])


def test_an_operator_opens_a_planned_round_before_its_date_then_closes_it():
    found = factories.RoundFactory(planned=True)
    factories.VintageFactory(region=found.region, year=found.year)
    assert said("open_round", found.key)["state"] == "open"
    found.refresh_from_db()
    assert found.opened_at is not None
    factories.ReportFactory(round=found)
    factories.ReportFactory(round=found, draft=True)
    answer = said("close_round", found.key)
    assert (answer["round"], answer["state"], answer["reports"], answer["waiting"]) == (found.key, "closed", 1, 1)


@pytest.mark.parametrize("command", ["open_round", "close_round"])
def test_an_unknown_round_is_answered_with_those_there_are(command):
    known = factories.RoundFactory(planned=True)
    with pytest.raises(CommandError, match=known.key):
        said(command, "nowhere")


def test_a_closed_round_is_not_closed_again_nor_opened():
    found = factories.RoundFactory(over=True)
    for command in ("open_round", "close_round"):
        with pytest.raises(CommandError):
            said(command, found.key)
    found.refresh_from_db()
    assert found.state == RoundState.CLOSED
