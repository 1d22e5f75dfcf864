"""A small consulted region for the tests of the API, and what programs send to it."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.test import Client
from rest_framework.authtoken.models import Token

from feedback.models import Report, Round
from habitats.models import HabitatType, Polygon, Vintage
from habitats.states import Stake
from territories.models import Territory, User
from territories.states import Role
from tests import factories

REPORTS = "/api/v1/reports/"


@dataclass
class Ground:
    """Two communes side by side, a polygon in each, three habitats, an open round, people.

    Attributes:
        here: the commune of the reviewer.
        next_door: the other one.
        polygons: of here and of next door, both G1.
        habitats: G1 (on the map), E1 (to be proposed), F1 (another).
    """

    here: Territory
    next_door: Territory
    vintage: Vintage
    polygons: list[Polygon]
    habitats: list[HabitatType]
    round: Round
    reviewer: User
    adjudicator: User
    second: User
    panel: User
    administrator: User

    def body(self, **changed: Any) -> dict[str, Any]:
        """A report on the polygon of here, as a program sends it."""
        polygon = self.polygons[0]
        return {
            "client_uuid": str(uuid.uuid4()),
            "round": self.round.key,
            "polygons": [{"id": polygon.pk, "version": polygon.version}],
            "error_type": "attribute",
            "proposed": {"habitat": {"typology": "EUNIS2012", "code": "E1"}},
            "comment": "Pelouse rase, jamais boisée.",
            "observed_on": "2026-05-12",
            "evidence_type": "field_visit",
            "confidence": 3,
            **changed,
        }

    def decision(self, **changed: Any) -> dict[str, Any]:
        """A proposal that accepts it."""
        polygon = self.polygons[0]
        return {
            "outcome": "accepted",
            "result": "error_to_correct",
            "reason_code": "confused_habitats",
            "reply": "Vous avez raison.",
            "habitat": {"typology": "EUNIS2012", "code": "E1"},
            "polygons": [{"number": polygon.number, "version": polygon.version}],
            **changed,
        }


def make_ground() -> Ground:
    """The whole of it."""
    region = factories.RegionFactory(years=[2024])
    whole = factories.TerritoryFactory(region=True, outline=factories.square(-1, -1, side=0.4))
    here, next_door = (
        factories.TerritoryFactory(parent=whole, outline=factories.square(column, 0), code=f"3400{column}")
        for column in (0, 1)
    )
    habitats = [factories.HabitatTypeFactory(code=code) for code in ("G1", "E1", "F1")]
    for habitat in habitats:
        factories.LegendEntryFactory(habitat_type=habitat, stake=Stake.LOW)
    vintage = factories.VintageFactory(region=region, year=2024)
    polygons = [
        factories.PolygonFactory(
            vintage=vintage,
            habitat_type=habitats[0],
            outline=factories.square(column, 0, side=0.002),
            number=column + 1,
        )
        for column in (0, 1)
    ]
    return Ground(
        here=here,
        next_door=next_door,
        vintage=vintage,
        polygons=polygons,
        habitats=habitats,
        round=factories.RoundFactory(region=region, territory=whole),
        reviewer=factories.person_with(Role.REVIEWER, here),
        adjudicator=factories.person_with(Role.ADJUDICATOR, whole),
        second=factories.person_with(Role.ADJUDICATOR, whole),
        panel=factories.person_with(Role.APPEAL_PANEL, whole),
        administrator=factories.person_with(Role.RELEASE_ADMINISTRATOR, whole),
    )


class Program:
    """A client that carries a person's token."""

    def __init__(self, person: User | None = None) -> None:
        self.client = Client(raise_request_exception=True)
        token = Token.objects.get_or_create(user=person)[0].key if person else None
        self.headers = {"Authorization": f"Token {token}"} if token else {}

    def get(self, address: str, **query: Any) -> Any:
        """Read."""
        return self.client.get(address, query, headers=self.headers)

    def post(self, address: str, body: Any = None) -> Any:
        """Send JSON."""
        return self.client.post(address, body or {}, content_type="application/json", headers=self.headers)

    def send_file(self, report: int, upload: Any) -> Any:
        """Send a file."""
        return self.client.post(f"{REPORTS}{report}/attachments/", {"file": upload}, headers=self.headers)

    def delete(self, address: str) -> Any:
        """Remove."""
        return self.client.delete(address, headers=self.headers)

    def move(self, report: Report | int, name: str, **body: Any) -> Any:
        """Make a move."""
        return self.post(f"{REPORTS}{getattr(report, 'pk', report)}/{name}/", body)
