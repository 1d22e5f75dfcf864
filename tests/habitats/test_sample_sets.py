import pytest

from habitats.queries import sample_set_at
from habitats.states import SampleSet
from tests import factories

pytestmark = pytest.mark.django_db
CELL = factories.SIDE_DEGREES / 100  # a fifth of a kilometre, about a block of 200 m in a hundred


def asked(region, geometry, year=2024):
    return sample_set_at(region=region, year=year, geometry=geometry)


@pytest.fixture
def region():
    return factories.RegionFactory()


def spot(column=0, side=CELL / 20):
    return factories.square(column, side=side)


@pytest.mark.parametrize("sample_set", [SampleSet.SELECTION, SampleSet.TRAINING])
def test_a_sample_joins_the_set_of_its_block(region, sample_set):
    factories.SampleFactory(geometry=spot(), sample_set=sample_set)
    for seed in range(8):
        region.sampling_seed = seed
        assert asked(region, spot().centroid) == sample_set


def test_the_draw_decides_where_the_year_has_no_sample(region):
    found = set()
    for seed in range(40):
        region.sampling_seed = seed
        found.add(asked(region, spot().centroid))
        assert asked(region, spot().centroid) == asked(region, spot().centroid)
    assert found == {SampleSet.SELECTION, SampleSet.TRAINING}


def test_retired_samples_other_years_and_the_audit_sample_say_nothing(region):
    before = [asked(region, spot(column).centroid) for column in range(6)]
    for column in range(6):
        opposite = SampleSet.TRAINING if before[column] == SampleSet.SELECTION else SampleSet.SELECTION
        factories.SampleFactory(geometry=spot(column), sample_set=opposite, retired=True)
        factories.SampleFactory(geometry=spot(column), sample_set=opposite, year=2023)
        factories.SampleFactory(geometry=spot(column), audit=True)
    assert [asked(region, spot(column).centroid) for column in range(6)] == before


def test_ground_shared_with_a_selection_sample_never_trains(region):
    factories.SampleFactory(geometry=spot(side=CELL * 10), selection=True)
    assert asked(region, factories.square(side=CELL)) == SampleSet.SELECTION
