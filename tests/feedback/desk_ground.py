"""A working map of four squares, an open round, and the people of the desk."""

from dataclasses import dataclass

from django.contrib.gis.geos import Polygon as Outline

from habitats.states import Stake
from territories.states import Role
from tests import factories

CODES = ("E1.2", "F6.1", "G2.1", "J1.2")


@dataclass
class Ground:
    """What the tests of the desk stand on."""

    round: object
    vintage: object
    habitats: list
    polygons: list
    commune: object
    adjudicator: object
    second: object


def make_ground():
    """Four squares of 0.002 degrees side by side, of four habitats; the last one's stake is high."""
    region = factories.RegionFactory(simulated=True)
    whole = factories.TerritoryFactory(region=True, outline=factories.square(side=0.4))
    department = factories.TerritoryFactory(department=True, parent=whole, outline=factories.square(side=0.3))
    commune = factories.TerritoryFactory(
        name="Saint-Étienne-d'Essai", code="34001", parent=department, outline=factories.square(side=0.2)
    )
    habitats = [factories.HabitatTypeFactory(code=code) for code in CODES]
    for position, habitat in enumerate(habitats):
        stake = Stake.HIGH if position == 3 else Stake.LOW
        factories.LegendEntryFactory(habitat_type=habitat, stake=stake, position=position)
        factories.SampleFactory(habitat_type=habitat)
    vintage = factories.VintageFactory(region=region)
    polygons = [
        factories.PolygonFactory(
            vintage=vintage,
            habitat_type=habitat,
            outline=small_square(position % 2, position // 2),
            **guesses(habitats),
        )
        for position, habitat in enumerate(habitats)
    ]
    return Ground(
        round=factories.RoundFactory(region=region, territory=whole),
        vintage=vintage,
        habitats=habitats,
        polygons=polygons,
        commune=commune,
        adjudicator=factories.person_with(Role.ADJUDICATOR),
        second=factories.person_with(Role.ADJUDICATOR),
    )


def small_square(column, row, *, side=0.002):
    """A square of about 2.2 ha, in degrees."""
    west, south = factories.WEST + column * side, factories.SOUTH + row * side
    outline = Outline.from_bbox((west, south, west + side, south + side))
    outline.srid = 4326
    return outline


def guesses(habitats):
    """What the model hesitated with."""
    return {
        "confidence": 62,
        "runner_up_1": habitats[1],
        "runner_up_1_share": 21,
        "runner_up_2": habitats[2],
        "runner_up_2_share": 9,
    }


def send(ground, *, polygon=0, proposed=1, **fields):
    """A report that was sent on one polygon."""
    contested = ground.polygons[polygon]
    given = {
        "round": ground.round,
        "vintage": ground.vintage,
        "geometry": contested.geometry,
        "area_m2": contested.area_m2,
        "commune": ground.commune,
        "proposed_type": ground.habitats[proposed],
        "stake": Stake.LOW,
        **fields,
    }
    report = factories.ReportFactory(**given)
    factories.ReportPolygonFactory(report=report, polygon=contested)
    return report
