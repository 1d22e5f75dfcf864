import numpy as np
import pytest
import shapely
from shapely import Polygon, box

from ml.compute.coverage_check import is_coverage, mismatched

# A hole of the second touches its outer ring in a corner that the first has too: GEOS blames the first for it.
AROUND = Polygon([(0, -40), (0, 0), (20, -20), (20, 0), (24, 0), (30, -30)])
HOLED = Polygon([(24, 0), (50, 0), (50, -40), (30, -30)], [[(30, -20), (30, -30), (40, -20)]])
FILLING = Polygon(HOLED.interiors[0])


def array_of(*shapes):
    return np.array(shapes, object)


@pytest.mark.parametrize("shapes", [(AROUND, HOLED), (AROUND, HOLED, FILLING), (box(0, 0, 1, 1), box(5, 5, 6, 6))])
def test_sound_coverages_are_sound_even_where_a_hole_touches_the_outer_ring(shapes):
    assert is_coverage(array_of(*shapes))
    assert mismatched(array_of(*shapes)).tolist() == []


@pytest.mark.parametrize(
    ("shapes", "places"),
    [
        ((box(0, 0, 10, 10), box(9, 0, 20, 10)), [0, 1]),  # they overlap
        ((box(0, 0, 10, 10), box(2, 2, 4, 4)), [0, 1]),  # one holds the other
        ((box(0, 0, 10, 10), box(10, 0, 20, 5), box(40, 0, 50, 9)), [0, 1]),  # a corner on a side that has none
        ((AROUND, HOLED, box(31, -22, 33, -19)), [1, 2]),  # beside the sound pair, one over the hole's edge
        ((box(0, 0, 10, 10), box(0, 0, 10, 10)), [0, 1]),  # the same twice
        ((box(0, 0, 2, 1), Polygon([(1, 1), (2, 2), (0, 2)])), [0, 1]),  # a corner alone on a side
    ],
)
def test_polygons_that_overlap_or_share_a_border_with_other_vertices_are_named(shapes, places):
    assert not is_coverage(array_of(*shapes))
    assert mismatched(array_of(*shapes)).tolist() == places


def test_a_wide_polygon_is_looked_at_where_it_is_blamed_not_along_all_its_neighbours(monkeypatch):
    holes = [box(1 + column, -12 - row, 1.5 + column, -11.5 - row) for column in range(5) for row in range(20)]
    wide = Polygon(AROUND.exterior, [hole.exterior.coords for hole in holes])
    pairs = []

    def relate(one, two, pattern):
        pairs.append(len(one))
        return relate_pattern(one, two, pattern)

    relate_pattern = shapely.relate_pattern
    monkeypatch.setattr(shapely, "relate_pattern", relate)
    assert is_coverage(array_of(wide, HOLED, FILLING, *holes))
    assert pairs
    assert max(pairs) < 10


def test_nothing_is_a_coverage():
    assert is_coverage(np.array([], object))
