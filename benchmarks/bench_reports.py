"""A consultation of 50,000 reports on 1,000,000 polygons: the desk's queue, sending, 200 reviewers at once.

Pages and requests go through the real web server. In the database alone, each question stands beside the plain way to
ask it: whole rows with OFFSET for the queue, bare INSERTs without a single check for the sending.
"""

import http.client
import json
import random
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from benchmarks import ground

if TYPE_CHECKING:
    from feedback.models import Round
    from habitats.models import Polygon

REGION = "benchmarks_reports"
PAGES, SENDINGS, AT_ONCE = 100, 100, 200
WHAT = "50,000 reports on 1,000,000 polygons"


def session_of(email: str) -> str:
    """The cookie of a person who has signed in."""
    from django.conf import settings
    from django.test import Client

    from territories.models import User

    client = Client()
    client.force_login(User.objects.get(email=email))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def measure_queue(port: int) -> None:
    """The queue as an adjudicator leafs and filters it."""
    drawn = random.Random(0)
    headers = {"Cookie": session_of("adjudicator0@example.org"), "Accept-Encoding": "gzip"}
    asked = {
        "first page": ["/bureau/"] * PAGES,
        "any page": [f"/bureau/?page={drawn.randrange(1, 500)}" for _page in range(PAGES)],
        "of a commune": [f"/bureau/?place={drawn.randrange(400):05d}" for _page in range(PAGES)],
        "of a stake": [f"/bureau/?stake={stake}" for stake in ("faible", "moyen") * (PAGES // 2)],
        "closed": ["/bureau/?tab=clos"] * PAGES,
        "through the API": [f"/api/v1/reports/?limit=50&offset={50 * page}" for page in range(PAGES)],
    }
    for name, addresses in asked.items():
        spent = ground.timed_requests(port, addresses, headers)
        aim = "< 150 ms" if name in ("first page", "any page") else ""
        what = f"desk's queue, {name}, {WHAT}, web server, p95"
        ground.row(what, "bioccia", ground.percentile(spent, 0.95), "ms", aim)


def bodies_of(count: int, *, seed: int) -> list[tuple[str, dict[str, Any]]]:
    """Reports to send, each of a reviewer on a polygon of their commune: token and body."""
    from rest_framework.authtoken.models import Token

    from benchmarks.consulted_region import COMMUNES_ACROSS, REVIEWERS, SIDE
    from habitats.models import HabitatType, Polygon

    drawn = random.Random(seed)
    tokens = [
        Token.objects.get(user__email=f"reviewer{number}@example.org").key for number in range(min(REVIEWERS, count))
    ]
    codes = list(HabitatType.objects.values_list("code", flat=True))
    across, found = SIDE // COMMUNES_ACROSS, []
    for number in range(count):
        row, column = divmod(number % REVIEWERS * 2, COMMUNES_ACROSS)
        place = (
            (row * across + drawn.randrange(1, across - 1)) * SIDE + column * across + drawn.randrange(1, across - 1)
        )
        polygon = Polygon.objects.select_related("habitat_type").get(number=place + 1)
        body = {
            "client_uuid": str(uuid.UUID(int=drawn.getrandbits(128))),
            "round": "benchmarks",
            "polygons": [{"id": polygon.pk, "version": polygon.version}],
            "error_type": "attribute",
            "proposed": {"habitat": {"typology": "EUNIS2012", "code": _other(codes, polygon, drawn)}},
            "comment": "Pelouse rase sur calcaire, fauchée une fois par an.",
            "observed_on": time.strftime("%Y-%m-%d"),
            "evidence_type": "field_visit",
            "confidence": 2,
            "declares_interest": False,
        }
        found.append((tokens[number % len(tokens)], body))
    return found


def _other(codes: list[str], polygon: "Polygon", drawn: random.Random) -> str:
    return drawn.choice([code for code in codes if code != polygon.habitat_type.code])


def post(port: int, token: str, body: dict[str, Any]) -> float:
    """Milliseconds of one sending, over a connection of its own as each reviewer has."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/reports/", json.dumps(body), headers)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    if answer.status != 201:
        raise RuntimeError(f"{answer.status}: {said.decode()[:500]}")
    return (time.perf_counter() - started) * 1000


def measure_sending(port: int) -> None:
    """One after the other, then 200 reviewers at once."""
    from feedback.models import Report

    seed = random.SystemRandom().randrange(1 << 30)
    for token, body in bodies_of(8, seed=seed):
        post(port, token, body)
    spent = [post(port, token, body) for token, body in bodies_of(SENDINGS, seed=seed + 1)]
    what = f"sending a report, {WHAT}, web server"
    ground.row(f"{what}, p95", "bioccia", ground.percentile(spent, 0.95), "ms", "< 120 ms")
    ground.row(f"{what}, median", "bioccia", ground.percentile(spent, 0.5), "ms")
    before, many = Report.objects.count(), bodies_of(AT_ONCE, seed=seed + 2)
    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waited = list(pool.map(lambda sending: post(port, *sending), many))
    seconds = time.perf_counter() - started
    kept = Report.objects.count() - before
    print(f"{AT_ONCE} at once: {kept} kept, the last one waited {max(waited):.0f} ms", file=sys.stderr)
    if kept != AT_ONCE:
        raise RuntimeError(f"{AT_ONCE} sent, {kept} kept")
    ground.row(f"{AT_ONCE} reviewers at once, {WHAT}, all answered", "bioccia", seconds, "s")


def measure_database(round_: "Round") -> None:
    """The queue and the sending without the web, beside the plain way."""
    from django.utils import timezone

    from feedback.models import Report
    from feedback.queries import queue_of
    from feedback.states import OPEN_STATES
    from territories.models import User

    adjudicator = User.objects.get(email="adjudicator0@example.org")
    today = timezone.localdate()
    every = ("round__territory", "round__region", "author", "organisation", "commune", "proposed_type", "vintage")

    def ours(page: int) -> None:
        queue = queue_of(adjudicator, today)
        queue.count()
        list(queue[page * 50 : page * 50 + 50])

    def peer(page: int) -> None:
        rows = Report.objects.select_related(*every).filter(state__in=OPEN_STATES).order_by("due_on", "pk")
        rows.count()
        list(rows[page * 50 : page * 50 + 50])

    spent = ground.side_by_side(ours, peer, list(range(0, 300, 10)))
    for who, values in zip(("bioccia", "whole rows, count and OFFSET"), spent, strict=True):
        ground.row(
            f"50 reports of the queue, {WHAT}, database alone, median", who, ground.percentile(values, 0.5), "ms"
        )
    measure_writing(round_)


def measure_writing(round_: "Round") -> None:
    """Sending with all its checks beside four bare INSERTs."""
    from django.db import transaction
    from django.utils import timezone
    from rest_framework.authtoken.models import Token

    from feedback.actions import ReportFacts, submit_report
    from feedback.models import Report, ReportMove, ReportPolygon
    from habitats.models import HabitatType, Polygon
    from territories.actions import queue_mail

    types = {found.code: found for found in HabitatType.objects.select_related("legend_entry")}

    def read(sending: tuple[str, dict[str, Any]]) -> ReportFacts:
        body = sending[1]
        words = {name: body[name] for name in ("error_type", "comment", "evidence_type", "confidence")}
        return ReportFacts(
            client_uuid=uuid.uuid4(),
            round=round_,
            polygons=((body["polygons"][0]["id"], 1),),
            proposed_type=types[body["proposed"]["habitat"]["code"]],
            observed_on=timezone.localdate(),
            declares_interest=False,
            **words,
        )

    def ours(sending: tuple[str, dict[str, Any]]) -> None:
        person = Token.objects.select_related("user__organisation").get(key=sending[0]).user
        submit_report(facts=read(sending), by=person, at=timezone.now())

    @transaction.atomic
    def peer(sending: tuple[str, dict[str, Any]]) -> None:
        person, at, facts = Token.objects.select_related("user").get(key=sending[0]).user, timezone.now(), read(sending)
        polygon = Polygon.objects.get(pk=facts.polygons[0][0])
        times = {"created_at": at, "submitted_at": at, "updated_at": at}
        place = {"geometry": polygon.geometry, "area_m2": polygon.area_m2, "vintage_id": polygon.vintage_id}
        report = Report.objects.create(
            client_uuid=facts.client_uuid, round=round_, author=person, state="submitted", **times, **place
        )
        seen = {"number": polygon.number, "version_seen": 1, "type_seen_id": polygon.habitat_type_id}
        ReportPolygon.objects.create(report=report, polygon=polygon, **seen)
        ReportMove.objects.create(
            report=report, move="submit", from_state="draft", to_state="submitted", by=person, at=at
        )
        queue_mail(recipient=person.email, subject="-", body="-", at=at)

    spent = ground.side_by_side(ours, peer, bodies_of(60, seed=random.SystemRandom().randrange(1 << 30)))
    for who, values in zip(("bioccia", "four INSERTs, nothing checked"), spent, strict=True):
        ground.row(f"a report kept, {WHAT}, database alone, median", who, ground.percentile(values, 0.5), "ms")


def main() -> None:
    with ground.own_database(REGION):
        from benchmarks.consulted_region import consulted_region

        started = time.perf_counter()
        round_ = consulted_region()
        print(f"ground in {time.perf_counter() - started:.0f} s", file=sys.stderr)
        with ground.web_server(REGION, with_files=True) as port:
            ground.warm(port, "/healthz")
            measure_queue(port)
            measure_sending(port)
        measure_database(round_)


if __name__ == "__main__":
    main()
