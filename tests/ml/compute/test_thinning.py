"""Lines thinned by our own code: GEOS judges the coverage, its coverage_simplify is the oracle of how much goes."""

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.crs import CRS
from rasterio.features import shapes
from scipy import ndimage

from ml.compute.grids import Grid
from ml.compute.minimum_unit import apply_minimum_unit
from ml.compute.outlines import draw_outlines, outline_patches, rules_for
from ml.compute.patch_labels import find_patches, label_patches

maps = arrays(np.uint16, st.tuples(st.integers(1, 16), st.integers(1, 16)), elements=st.integers(0, 3))
DIAGONALS = np.array([[1, 2, 1, 2], [2, 1, 2, 1], [1, 2, 0, 2], [2, 1, 2, 1]], np.uint16)
NESTED = np.pad(np.pad(np.pad(np.full((1, 1), 3, np.uint16), 2, constant_values=0), 2, constant_values=1), 2)


def grid_for(classes, factor=1):
    height, width = classes.shape
    return Grid(width * factor, height * factor, Affine(10, 0, 500, 0, -10, 900), CRS.from_epsg(2154))


def cut(labels, rows):
    return ((first, labels[first : first + rows]) for first in range(0, labels.shape[0], rows))


def landscape(side, seed=3):
    random = np.random.default_rng(seed)
    fields = (ndimage.gaussian_filter(random.standard_normal((side, side)), 3) for _ in range(6))
    classes = (np.stack(list(fields)).argmax(0) + 1).astype(np.uint16)
    wrong = random.random(classes.shape) < 0.05
    classes[wrong] = random.integers(0, 7, wrong.sum())
    return classes


@given(maps, st.sampled_from([3, 10, 14, 25, 80, 400]))
@example(DIAGONALS, 25)
@example(NESTED, 400)
@settings(deadline=None, max_examples=150)
def test_thinned_outlines_stay_a_valid_coverage_of_whole_polygons(classes, tolerance):
    labels, sizes = label_patches(classes)
    outlines = outline_patches(labels, grid_for(classes), tolerance=tolerance)
    assert len(outlines) == sizes.size - 1
    assert (shapely.get_type_id(outlines) == shapely.GeometryType.POLYGON).all()
    assert shapely.is_valid(outlines).all()
    assert not shapely.is_empty(outlines).any()
    assert shapely.coverage_is_valid(outlines)


@given(maps, st.integers(1, 5), st.sampled_from([0, 14, 40]))
@settings(deadline=None, max_examples=100)
def test_strips_leave_no_seam(classes, rows, tolerance):
    labels, _ = label_patches(classes)
    grid = grid_for(classes)
    whole = outline_patches(labels, grid, tolerance=tolerance)
    rules = rules_for(len(whole), grid, tolerance=tolerance)
    stripwise = draw_outlines(cut(labels, rows), grid.width, grid.height, rules)
    drawn = stripwise.polygons(1, len(whole), grid)
    assert [shape.wkb for shape in drawn] == [shape.wkb for shape in whole]


@pytest.mark.parametrize("tolerance", [5, 10, 20, 40])
def test_as_much_goes_as_with_coverage_simplify(tolerance):
    labels = apply_minimum_unit(landscape(150), mmu_px=6).labels
    mine = outline_patches(labels, grid_for(labels), tolerance=tolerance)
    peer = shapely.coverage_simplify(outline_patches(labels, grid_for(labels)), tolerance)
    assert shapely.coverage_is_valid(mine)
    assert shapely.get_num_coordinates(mine).sum() == pytest.approx(shapely.get_num_coordinates(peer).sum(), rel=0.03)
    apart = shapely.area(shapely.symmetric_difference(mine, peer)).sum() / shapely.area(mine).sum()
    assert apart < 0.08


def test_the_outlines_of_cells_are_those_that_gdal_draws():
    labels, _ = label_patches(landscape(80))
    mine = outline_patches(labels, grid_for(labels))
    for outline, label in shapes(labels, mask=labels > 0, connectivity=4, transform=grid_for(labels).transform):
        assert shapely.equals(mine[int(label) - 1], shapely.geometry.shape(outline))


@given(maps, st.sampled_from([30, 45, 120]), st.integers(1, 2), st.integers(0, 2))
@settings(deadline=None, max_examples=60)
def test_blocks_cut_by_the_edges_of_the_map_stay_a_valid_coverage(classes, tolerance, right, below):
    labels, _ = label_patches(classes)
    height, width = classes.shape
    grid = Grid(width * 3 - right, height * 3 - below, Affine(10, 0, 500, 0, -10, 900), CRS.from_epsg(2154))
    outlines = outline_patches(labels, grid, factor=3, tolerance=tolerance)
    assert shapely.is_valid(outlines).all()
    assert shapely.coverage_is_valid(outlines)
    assert (shapely.area(outlines) > 0).all()


def test_a_staircase_becomes_a_straight_line():
    classes = np.tril(np.ones((40, 40), np.uint16)) + 1
    labels, _ = label_patches(classes.astype(np.uint16))
    outlines = outline_patches(labels, grid_for(classes), tolerance=10)
    assert shapely.get_num_coordinates(outlines).max() <= 26  # of 83


def test_two_arcs_between_the_same_nodes_never_become_one():
    classes = np.ones((3, 9), np.uint16)
    classes[1:] = 2
    classes[1, 4] = 3  # a lens on the line between 1 and 2
    labels, _ = label_patches(classes)
    outlines = outline_patches(labels, grid_for(classes), tolerance=1000)
    assert (shapely.area(outlines) > 0).all()
    assert shapely.coverage_is_valid(outlines)


def test_patches_found_by_strips_are_those_of_the_whole_map():
    classes = landscape(90)
    labels, sizes = label_patches(classes)
    for rows in (1, 7, 40):
        patches = find_patches(lambda rows=rows: cut(classes, rows))
        np.testing.assert_array_equal(patches.sizes, sizes)
        np.testing.assert_array_equal(np.vstack([part for _, _, part in patches.labelled()]), labels)
