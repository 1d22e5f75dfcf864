import numpy as np
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.crs import CRS

from ml.compute.grids import Grid
from ml.compute.outlines import outline_patches
from ml.compute.patch_labels import label_patches

maps = arrays(np.uint16, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.integers(0, 3))


def grid_for(classes, factor=1):
    height, width = classes.shape
    return Grid(width * factor, height * factor, Affine(10, 0, 500, 0, -10, 900), CRS.from_epsg(2154))


@given(maps)
@settings(deadline=None, max_examples=200)
def test_outlines_are_a_valid_coverage_with_the_area_of_the_cells(classes):
    labels, sizes = label_patches(classes)
    outlines = outline_patches(labels, grid_for(classes))
    assert shapely.is_valid(outlines).all()
    assert shapely.coverage_is_valid(outlines)
    np.testing.assert_allclose(shapely.area(outlines), sizes[1:] * 100)


@given(maps, st.sampled_from([3, 10, 25, 80]))
@settings(deadline=None, max_examples=200)
def test_simplified_outlines_stay_a_valid_coverage_without_gap(classes, tolerance):
    labels, sizes = label_patches(classes)
    outlines = outline_patches(labels, grid_for(classes))
    simple = shapely.coverage_simplify(outlines, tolerance, simplify_boundary=False)
    assert shapely.is_valid(simple).all()
    assert not shapely.is_empty(simple).any()
    assert shapely.coverage_is_valid(simple)
    np.testing.assert_allclose(shapely.area(simple).sum(), sizes.sum() * 100)


def test_a_patch_that_touches_itself_at_a_corner_has_a_hole_there():
    classes = np.array([[1, 1, 1], [1, 2, 1], [1, 1, 2]], np.uint16)
    labels, _ = label_patches(classes)
    around, hole, corner = outline_patches(labels, grid_for(classes))
    assert len(around.interiors) == 1
    assert around.is_valid
    assert (around.area, hole.area, corner.area) == (700, 100, 100)


def test_coordinates_follow_the_grid():
    classes = np.array([[0, 5]], np.uint16)
    labels, _ = label_patches(classes)
    assert outline_patches(labels, grid_for(classes))[0].bounds == (510, 890, 520, 900)


def test_blocks_cut_by_the_edge_end_at_the_edge():
    labels = np.array([[1, 2]], np.int32)
    grid = Grid(5, 3, Affine(10, 0, 500, 0, -10, 900), CRS.from_epsg(2154))
    wide, cut = outline_patches(labels, grid, factor=3)
    assert wide.bounds == (500, 870, 530, 900)
    assert cut.bounds == (530, 870, 550, 900)
