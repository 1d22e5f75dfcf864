"""A small region with two published vintages, as the pages of the tests show it."""

import pytest

from tests import factories

CODES = ("E1.2", "F6.1", "G2.1", "J1.2")


@pytest.fixture
def mapped_region(transactional_db):
    """Two communes, four habitats, a 2 x 2 map in 2023 and in 2024 where one square changed."""
    region = factories.RegionFactory(simulated=True)
    department = factories.TerritoryFactory(department=True, outline=factories.square(side=0.08))
    communes = [
        factories.TerritoryFactory(name="Saint-Étienne-d'Essai", code="34001", parent=department),
        factories.TerritoryFactory(name="Bois-Joli", code="34002", parent=department, outline=factories.square(1, 0)),
    ]
    habitats = [factories.HabitatTypeFactory(code=code, in_legend=True) for code in CODES]
    vintages = [
        _vintage(region, 2023, habitats[:4], communes),
        _vintage(region, 2024, habitats[1:] + habitats[:1], communes),
    ]
    return {"region": region, "communes": communes, "habitats": habitats, "vintages": vintages}


def _vintage(region, year, habitats, communes):
    vintage = factories.VintageFactory(region=region, year=year, published=True)
    for position, habitat in enumerate(habitats):
        outline = factories.square(position % 2, position // 2)
        factories.PolygonFactory(vintage=vintage, outline=outline, habitat_type=habitat, doubtful=True)
        factories.GeneralisedPolygonFactory(
            vintage=vintage, max_zoom=11, habitat_type=habitat, geometry_3857=outline.transform(3857, clone=True)
        )
    for commune, habitat in zip(communes, habitats, strict=False):
        factories.TerritoryStatisticFactory(vintage=vintage, territory=commune, habitat_type=habitat)
    return vintage


@pytest.fixture
def site(live_server):
    """The pages, served by a thread of the tests: what Chromium sees, without the cost of a server per test."""
    return live_server.url
