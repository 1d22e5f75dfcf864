"""Many people at once on a real web server: nothing lost, nothing doubled, nothing decided twice."""

import http.client
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from rest_framework.authtoken.models import Token

from feedback.models import Report, ReportMove
from feedback.states import ReportState
from habitats.models import Correction
from territories.states import Role
from tests import factories
from tests.feedback import files
from tests.feedback.api_ground import REPORTS, make_ground

pytestmark = [pytest.mark.service, pytest.mark.slow]
REVIEWERS = 200
AT_ONCE = 50
JSON = "application/json"


@pytest.fixture
def ground(transactional_db):
    return make_ground()


def token_of(person):
    return Token.objects.get_or_create(user=person)[0].key


def send(site, path, token, body, kind=JSON):
    """Send once; None where the connection broke before the answer."""
    content = body if isinstance(body, bytes) else json.dumps(body)
    line = http.client.HTTPConnection(urlsplit(site).netloc, timeout=60)
    try:
        line.request("POST", path, content, {"Authorization": f"Token {token}", "Content-Type": kind})
        answer = line.getresponse()
        return answer.status, json.loads(answer.read())
    except OSError:
        return None
    finally:
        line.close()


def at_once(calls):
    """Make the calls, AT_ONCE of them at any time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda call: call(), calls))


def test_two_hundred_reviewers_at_once_lose_and_double_nothing(live_web, ground):
    people = [factories.person_with(Role.REVIEWER, ground.here) for _person in range(20)]
    bodies = [ground.body(comment=f"Vu n° {number}") for number in range(REVIEWERS)]
    tokens = [token_of(people[number % len(people)]) for number in range(REVIEWERS)]
    # Every third one is impatient and sends again at the same time; every seventh sends something else afterwards.
    twice = [*range(REVIEWERS), *range(0, REVIEWERS, 3)]
    answers = at_once([lambda n=number: send(live_web, REPORTS, tokens[n], bodies[n]) for number in twice])
    assert None not in answers
    assert {status for status, _body in answers} <= {200, 201}, {json.dumps(body)[:300] for _s, body in answers}
    created = [body["id"] for status, body in answers if status == 201]
    assert (len(created), len(set(created))) == (REVIEWERS, REVIEWERS)
    changed = [
        send(live_web, REPORTS, tokens[number], {**bodies[number], "comment": "autre"})
        for number in range(0, REVIEWERS, 7)
    ]
    assert {status for status, _body in changed} == {409}
    assert Report.objects.count() == REVIEWERS
    assert set(Report.objects.values_list("comment", flat=True)) == {body["comment"] for body in bodies}
    assert set(Report.objects.values_list("state", flat=True)) == {ReportState.SUBMITTED}
    assert ReportMove.objects.filter(move="submit").count() == REVIEWERS


def test_one_report_is_taken_proposed_and_signed_once_by_many_adjudicators(live_web, ground):
    number = send(live_web, REPORTS, token_of(ground.reviewer), ground.body())[1]["id"]
    desk = [token_of(factories.person_with(Role.ADJUDICATOR)) for _person in range(6)]

    def all_make(move, tokens, body):
        path = f"{REPORTS}{number}/{move}/"
        return [answer[0] for answer in at_once([lambda t=token: send(live_web, path, t, body) for token in tokens])]

    taken = all_make("take", desk, {})
    assert sorted(taken) == [200] + [409] * 5
    holder = desk[taken.index(200)]
    assert min(all_make("propose", [holder] * 4, ground.decision())) == 200
    assert sorted(all_make("sign", [holder] * 4 + desk, {}))[:2] == [200, 409]
    report = Report.objects.get(pk=number)
    assert report.state == ReportState.ACCEPTED
    assert report.decisions.count() == 1
    assert Correction.objects.count() == 1
    ground.polygons[0].refresh_from_db()
    assert ground.polygons[0].version == 2


def test_the_same_photograph_sent_by_many_hands_is_one(live_web, ground, settings):
    token = token_of(ground.reviewer)
    number = send(live_web, REPORTS, token, ground.body(draft=True))[1]["id"]
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        + files.picture()
        + b"\r\n--x--\r\n"
    )
    path, kind = f"{REPORTS}{number}/attachments/", "multipart/form-data; boundary=x"
    answers = at_once([lambda: send(live_web, path, token, body, kind) for _hand in range(8)])
    assert sorted(answer[0] for answer in answers) == [200] * 7 + [201]
    assert Report.objects.get(pk=number).attachments.count() == 1


def test_a_photograph_of_500_megabytes_is_refused_at_once_and_its_sender_reads_why(live_web, ground):
    token = token_of(ground.reviewer)
    number = send(live_web, REPORTS, token, ground.body(draft=True))[1]["id"]
    line = http.client.HTTPConnection(urlsplit(live_web).netloc, timeout=60)
    line.putrequest("POST", f"{REPORTS}{number}/attachments/")
    line.putheader("Authorization", f"Token {token}")
    line.putheader("Content-Type", "multipart/form-data; boundary=x")
    line.putheader("Content-Length", str(500_000_000))
    line.endheaders()
    # The answer stands there before the photograph does, and is still there for who sends on regardless.
    chunk = os.urandom(1 << 20)
    for _megabyte in range(20):
        line.send(chunk)
    started = time.monotonic()
    answer = line.getresponse()
    assert (answer.status, json.loads(answer.read())["code"]) == (413, "too_large")
    assert time.monotonic() - started < 30
    line.close()
    assert send(live_web, REPORTS, token, ground.body())[0] == 201
