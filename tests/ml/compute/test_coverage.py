"""Outlines drawn into coverages: no gap, no overlap, the same area, whatever is drawn."""

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from shapely.geometry import MultiPolygon, Polygon, box

from ml.compute.coverage import Paint, Rules, repaint
from ml.compute.coverage_check import is_coverage
from ml.compute.errors import CoverageError
from ml.compute.grids import Grid
from ml.compute.minimum_unit import apply_minimum_unit
from ml.compute.outlines import outline_patches

CELL = 10.0
WEST, NORTH = 700_000.0, 6_300_000.0
RULES = Rules(snap_m=1.0, least_m2=400.0)
FEEDING = Rules(snap_m=1.0, least_m2=400.0, feeds=True)
CODES = ("A", "B", "C", "D")


def coverage_of(classes, *, simplify=0.0):
    """Polygons and codes of a small class map, as the vectoriser makes them."""
    classes = np.asarray(classes, np.uint16)
    patches = apply_minimum_unit(classes, mmu_px=4)
    grid = Grid(classes.shape[1], classes.shape[0], Affine(CELL, 0, WEST, 0, -CELL, NORTH), CRS.from_epsg(2154))
    outlines = outline_patches(patches.labels, grid)
    if simplify:
        outlines = shapely.coverage_simplify(outlines, simplify)
    return outlines, [CODES[value - 1] for value in patches.values[1:]]


def at(left, top, right, bottom):
    """A rectangle in cells from the north-west."""
    return box(WEST + left * CELL, NORTH - bottom * CELL, WEST + right * CELL, NORTH - top * CELL)


def stripes():
    """A, B and C, each 10 x 10 cells, from west to east."""
    return coverage_of(np.repeat([[1, 2, 3]], 10, axis=0).repeat(10, axis=1))


def merged(polygons, codes, result):
    """The coverage after a repaint, with its codes."""
    replaced = {*result.gone, *(piece.parent for piece in result.pieces)}
    kept = [place for place in range(len(codes)) if place not in replaced]
    outlines = np.array([*polygons[kept], *(piece.outline for piece in result.pieces)], object)
    return outlines, [*(codes[place] for place in kept), *(piece.code for piece in result.pieces)]


def area_of(outlines, codes, code):
    return sum(outline.area for outline, one in zip(outlines, codes, strict=True) if one == code)


def test_an_outline_inside_a_polygon_cuts_a_hole_and_becomes_a_polygon():
    polygons, codes = stripes()
    result = repaint(polygons, codes, [Paint(at(2, 2, 6, 6), "D")], rules=RULES)
    pieces = {piece.code: piece for piece in result.pieces}
    assert (pieces["D"].parent, pieces["D"].outline.area) == (None, pytest.approx(1600))
    assert (pieces["A"].parent, len(pieces["A"].outline.interiors)) == (0, 1)
    assert (result.gone, result.ground.area, result.changed_m2) == ((), pytest.approx(1600), pytest.approx(1600))


def test_an_outline_across_a_border_cuts_both_sides():
    polygons, codes = stripes()
    result = repaint(polygons, codes, [Paint(at(6, 2, 14, 6), "D")], rules=RULES)
    outlines, after = merged(polygons, codes, result)
    assert sorted(after) == ["A", "B", "C", "D"]
    assert area_of(outlines, after, "D") == pytest.approx(3200)


def test_an_outline_that_splits_a_polygon_leaves_the_larger_rest_its_identity():
    polygons, codes = stripes()
    result = repaint(polygons, codes, [Paint(at(-1, 3, 10, 5), "D")], rules=RULES)
    of_a = sorted((piece.outline.area, piece.parent) for piece in result.pieces if piece.code == "A")
    assert of_a == [(pytest.approx(3000), None), (pytest.approx(5000), 0)]


def test_an_outline_over_a_whole_polygon_takes_over_its_identity():
    polygons, codes = stripes()
    result = repaint(polygons, codes, [Paint(at(9.95, -1, 20.05, 11), "D")], rules=RULES)
    assert [(piece.parent, piece.code) for piece in result.pieces if piece.code == "D"] == [(1, "D")]
    assert result.gone == ()


def test_what_is_drawn_outside_the_map_counts_for_nothing():
    polygons, codes = stripes()
    result = repaint(polygons, codes, [Paint(at(-20, -20, 5, 5), "D")], rules=RULES)
    assert result.ground.area == pytest.approx(2500)
    assert repaint(polygons, codes, [Paint(at(-20, -20, -5, -5), "D")], rules=RULES).pieces == ()


def test_a_remnant_under_the_unit_joins_the_neighbour_it_shares_most_border_with():
    polygons, codes = stripes()
    # A strip of a fifth of a cell is left of A between the outline and B.
    result = repaint(polygons, codes, [Paint(at(2, -1, 9.8, 11), "D")], rules=RULES)
    outlines, after = merged(polygons, codes, result)
    assert area_of(outlines, after, "A") == pytest.approx(2000)
    assert is_coverage(outlines)
    assert len(outlines) == 4


def test_an_outline_drawn_near_a_border_is_put_on_it():
    polygons, codes = stripes()
    result = repaint(polygons, codes, [Paint(at(9.95, 2, 14, 6), "D")], rules=RULES)
    pieces = {piece.code: piece for piece in result.pieces}
    assert pieces["D"].outline.area == pytest.approx(1600)
    assert pieces["A"].is_same_ground
    assert pieces["A"].outline.area == polygons[0].area


def test_an_outline_feeds_a_neighbour_of_its_code_when_the_decision_says_so():
    polygons, codes = stripes()
    feeding = repaint(polygons, codes, [Paint(at(6, 2, 10, 6), "B")], rules=FEEDING)
    assert {piece.parent: piece.outline.area for piece in feeding.pieces if piece.code == "B"} == {
        1: pytest.approx(11_600)
    }
    apart = repaint(polygons, codes, [Paint(at(6, 2, 10, 6), "B")], rules=RULES)
    assert sorted(piece.outline.area for piece in apart.pieces if not piece.is_same_ground and piece.code == "B") == [
        pytest.approx(1600)
    ]


def test_painted_ground_under_the_unit_feeds_a_neighbour_of_its_code_or_does_not_stand():
    polygons, codes = stripes()
    feeding = repaint(polygons, codes, [Paint(at(9, 2, 10, 4), "B")], rules=RULES)
    assert area_of(*merged(polygons, codes, feeding), "B") == pytest.approx(10_200)
    refused = repaint(polygons, codes, [Paint(at(3, 2, 4, 4), "B")], rules=RULES)
    assert (refused.changed_m2, refused.ground.area) == (0, 0)


def test_ground_that_has_the_code_already_is_not_cut_but_is_part_of_what_is_said():
    polygons, codes = stripes()
    result = repaint(polygons, codes, [Paint(at(6, 2, 14, 6), "B")], rules=FEEDING)
    assert (result.changed_m2, result.ground.area) == (pytest.approx(1600), pytest.approx(3200))
    same = repaint(polygons, codes, [Paint(at(12, 2, 16, 6), "B")], rules=RULES)
    assert (same.changed_m2, same.pieces) == (0, ())


def test_shares_say_what_a_piece_is_made_of():
    polygons, codes = stripes()
    result = repaint(polygons, codes, [Paint(at(6, 2, 10, 6), "B")], rules=FEEDING)
    fed = next(piece for piece in result.pieces if piece.code == "B")
    assert sorted((share.parent, share.paint, round(share.area_m2)) for share in fed.shares) == [
        (0, 0, 1600),
        (1, -1, 10_000),
    ]


def test_several_outlines_are_drawn_at_once_and_the_last_wins():
    polygons, codes = stripes()
    paints = [Paint(at(2, 2, 8, 8), "D"), Paint(at(5, 2, 8, 8), "C")]
    outlines, after = merged(polygons, codes, repaint(polygons, codes, paints, rules=RULES))
    assert area_of(outlines, after, "D") == pytest.approx(1800)
    assert area_of(outlines, after, "C") == pytest.approx(11_800)


def test_an_outline_of_several_parts_with_a_hole_is_drawn_whole():
    polygons, codes = stripes()
    ring = at(1, 1, 9, 9) - at(3, 3, 7, 7)
    outlines, after = merged(
        polygons, codes, repaint(polygons, codes, [Paint(MultiPolygon([ring, at(22, 2, 28, 8)]), "D")], rules=RULES)
    )
    assert area_of(outlines, after, "D") == pytest.approx(4800 + 3600)


def test_a_place_whose_map_had_a_defect_before_can_still_be_corrected():
    polygons, codes = stripes()
    polygons[1] = shapely.union(polygons[1], at(9, 4, 10, 5))  # B overlaps A by a cell
    result = repaint(polygons, codes, [Paint(at(2, 2, 8, 8), "D")], rules=RULES)
    assert [piece.outline.area for piece in result.pieces if piece.code == "D"] == [pytest.approx(3600)]


def test_a_polygon_that_crosses_itself_elsewhere_does_not_forbid_a_correction():
    polygons, codes = stripes()
    ring = np.array(polygons[2].exterior.coords)
    south = ring[:, 1].argsort(kind="stable")[:2]
    knot = np.array([[700_250, 6_299_902], [700_249, 6_299_899], [700_251, 6_299_899], [700_250.5, 6_299_903]])
    place = min(south) if abs(int(south[0]) - int(south[1])) == 1 else len(ring) - 2
    polygons[2] = Polygon(np.vstack([ring[: place + 1], knot, ring[place + 1 :]]))
    assert not polygons[2].is_valid
    result = repaint(polygons, codes, [Paint(at(16, 2, 24, 6), "D")], rules=RULES)
    assert [piece.outline.area for piece in result.pieces if piece.code == "D"] == [pytest.approx(3200)]


def test_what_would_leave_a_gap_is_refused(monkeypatch):
    polygons, codes = stripes()
    monkeypatch.setattr("ml.compute.coverage.AREA_TOLERANCE", -1.0)
    with pytest.raises(CoverageError, match="gap"):
        repaint(polygons, codes, [Paint(at(2, 2, 8, 8), "D")], rules=RULES)


maps = st.builds(
    lambda seed, size, patch: (
        np.random.default_rng(seed).integers(1, 5, (size, size)).repeat(patch, axis=0).repeat(patch, axis=1)
    ),
    st.integers(0, 10_000),
    st.integers(2, 6),
    st.integers(2, 6),
)


@st.composite
def drawings(draw):
    """A star around a point: any simple outline, thin or wide, on the map or half outside, now and then on cells."""
    count = draw(st.integers(3, 9))
    x, y = draw(st.floats(0, 30)), draw(st.floats(0, 30))
    turns = sorted(draw(st.lists(st.floats(0, 6.28), min_size=count, max_size=count, unique=True)))
    radii = draw(st.lists(st.floats(0.2, 15), min_size=count, max_size=count))
    points = np.array([(x + r * np.cos(t), y + r * np.sin(t)) for t, r in zip(turns, radii, strict=True)])
    if draw(st.booleans()):
        points = np.round(points)
    outline = shapely.make_valid(Polygon(np.column_stack([WEST + points[:, 0] * CELL, NORTH - points[:, 1] * CELL])))
    parts = [part for part in shapely.get_parts(outline) if part.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts) if parts else box(WEST, NORTH - 50, WEST + 50, NORTH)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(maps, st.lists(drawings(), min_size=1, max_size=3), st.sampled_from(CODES), st.booleans(), st.booleans())
def test_whatever_is_drawn_leaves_a_valid_coverage_of_the_same_area(classes, drawn, code, feeds, simplified):
    polygons, codes = coverage_of(classes, simplify=CELL if simplified else 0)
    for outline in drawn:  # each on the map that the one before left
        result = repaint(polygons, codes, [Paint(outline, code)], rules=Rules(1.0, 400.0, feeds=feeds))
        outlines, after = merged(polygons, codes, result)
        assert is_coverage(outlines)
        assert shapely.is_valid(outlines).all()
        assert shapely.area(outlines).sum() == pytest.approx(shapely.area(polygons).sum(), rel=1e-6)
        assert result.ground.is_valid
        assert {piece.parent for piece in result.pieces} - {None} <= set(range(len(codes))) - set(result.gone)
        polygons, codes = outlines, after
