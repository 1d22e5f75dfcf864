"""A ground to contest: two communes of a department, a small map with doubts, an open round, a reviewer."""

import datetime

from django.utils import timezone

from feedback.models import Round
from habitats.models import HabitatType
from tests import factories
from tests.factories.feedback import RoundFactory

HERE, NEXT_DOOR = (2.31, 43.61), (2.33, 43.61)
LABELS = {
    "F6.1": "Garrigues occidentales à Chêne kermès, romarins et cistes des plateaux calcaires",
    "G2.1": "Forêts de Chênes sempervirents méditerranéennes à euméditerranéennes",
    "E1.2": "Pelouses calcaires vivaces et steppes riches en bases du causse",
    "J1.2": "Bâtiments résidentiels des villages et des périphéries urbaines",
}


def contest_ground(*, cells=1):
    """The rows by name; `cells` polygons on each side of a commune."""
    region = factories.RegionFactory()
    department = factories.TerritoryFactory(department=True, outline=factories.square(side=0.08))
    home, neighbour = (
        factories.TerritoryFactory(name=name, parent=department, outline=factories.square(column, 0))
        for column, name in enumerate(("Saint-Étienne-d'Essai", "Bois-Joli-sur-Garonne"))
    )
    vintage = factories.VintageFactory(region=region)
    habitats = {code: factories.HabitatTypeFactory(code=code, in_legend=True, label_fr=LABELS[code]) for code in LABELS}
    habitats["E1.2"].legend_entry.stake = "fort"
    habitats["E1.2"].legend_entry.save()
    round_ = RoundFactory(region=region, territory=department, name="Tour M1", **_days(opens=-20, closes=18))
    return {
        "region": region,
        "home": home,
        "neighbour": neighbour,
        "vintage": vintage,
        "round": round_,
        "polygons": _polygons(vintage, list(habitats.values()), cells),
        "habitats": habitats,
        "reviewer": factories.MandateFactory(reviewer=True, territory=home).user,
    }


def _days(*, opens: int, closes: int) -> dict[str, datetime.datetime]:
    now = timezone.now()
    closing = now + datetime.timedelta(days=closes)
    return {
        "opens_at": now + datetime.timedelta(days=opens),
        "opened_at": now + datetime.timedelta(days=opens),
        "closes_at": closing,
        "grace_ends_at": closing + datetime.timedelta(days=5),
    }


def _polygons(vintage, habitats: list[HabitatType], cells: int):
    """By rows from the south; the first one is scrub, the first of the next commune a meadow at stake."""
    side = factories.SIDE_DEGREES / cells
    found = []
    for column in range(2 * cells):
        for row in range(cells):
            outline = factories.square(column / cells, row / cells, side=side)
            habitat = habitats[2] if column == cells and row == 0 else habitats[(column + 2 * row) % len(habitats)]
            found.append(
                factories.PolygonFactory(
                    vintage=vintage,
                    outline=outline,
                    habitat_type=habitat,
                    confidence=41,
                    runner_up_1=habitats[1],
                    runner_up_1_share=33,
                    runner_up_2=habitats[2],
                    runner_up_2_share=12,
                )
            )
    return found


def days_left(round_: Round) -> int:
    """Until it closes."""
    return (timezone.localdate(round_.closes_at) - timezone.localdate()).days
