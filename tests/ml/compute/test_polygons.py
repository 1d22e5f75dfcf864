import tracemalloc

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml.compute.blocks import majority_blocks
from ml.compute.class_rasters import open_class_map
from ml.compute.errors import RasterError
from ml.compute.polygon_files import write_parts
from ml.compute.polygons import draw_map, generalise_map, polygonise_map
from tests.ml.compute.rasters import TEN_METRES, damage, write_class_map, write_raster

COLUMNS = [
    "code",
    "confidence",
    "runner_up_1",
    "runner_up_1_share",
    "runner_up_2",
    "runner_up_2_share",
    "area_m2",
    "geometry",
]


@pytest.fixture
def two_halves(tmp_path):
    classes = np.full((6, 8), 3)
    classes[:, 4:] = 7
    classes[2, 2] = 7
    return write_class_map(tmp_path / "classes.tif", classes, codes={3: "E1.2", 7: "G1.7"})


@given(
    arrays(np.uint16, st.tuples(st.integers(2, 20), st.integers(2, 20)), elements=st.integers(0, 4)),
    st.integers(1, 6),
    st.sampled_from([0, 10, 30]),
)
@settings(deadline=None, max_examples=60)
def test_any_map_becomes_a_valid_coverage_of_its_cells(tmp_path_factory, classes, mmu_px, simplify_m):
    path = write_class_map(tmp_path_factory.mktemp("map") / "classes.tif", classes)
    frame = polygonise_map(path, mmu_px=mmu_px, simplify_m=simplify_m)
    geometries = frame.geometry.to_numpy()
    assert shapely.is_valid(geometries).all()
    assert shapely.coverage_is_valid(geometries)
    if mmu_px > 1:
        assert (frame.area_m2 < 100 * mmu_px - 1e-6).sum() == frame.attrs["minimum_unit"]["isolated"]
    if simplify_m == 0:
        assert frame.area_m2.sum() == pytest.approx(100 * (classes > 0).sum())


@given(
    arrays(np.uint16, st.tuples(st.integers(2, 16), st.integers(2, 16)), elements=st.integers(0, 3)),
    st.integers(0, 6),
    st.integers(1, 4),
)
@settings(deadline=None, max_examples=30)
def test_a_map_read_by_strips_gives_the_same_polygons(tmp_path_factory, classes, mmu_px, rows):
    folder = tmp_path_factory.mktemp("map")
    path = write_class_map(folder / "classes.tif", classes)
    random = np.random.default_rng(1)
    confidence = write_raster(folder / "k.tif", random.integers(0, 120, classes.shape), dtype="uint8", nodata=255)
    beside = np.stack([random.integers(0, most, classes.shape) for most in (4, 50, 4, 20)])
    words = {
        "mmu_px": mmu_px,
        "simplify_m": 14,
        "confidence_path": confidence,
        "runner_ups_path": write_raster(folder / "ru.tif", beside, dtype="uint16"),
    }
    whole = polygonise_map(path, **words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ml.compute.polygons.CELLS_AT_ONCE", classes.shape[1] * rows)
        assert polygonise_map(path, **words).equals(whole)


def test_memory_does_not_grow_with_the_height_of_the_map(tmp_path, monkeypatch):
    """What is kept by cell is one bit: rows of one class add nothing else."""
    width, rows = 400, 50
    monkeypatch.setattr("ml.compute.polygons.CELLS_AT_ONCE", width * rows)
    peaks = []
    for height in (2_000, 8_000):
        path = write_class_map(tmp_path / f"{height}.tif", np.repeat([[1, 2]], width // 2, 1).repeat(height, 0))
        polygonise_map(path, mmu_px=4, simplify_m=10)
        tracemalloc.start()
        polygonise_map(path, mmu_px=4, simplify_m=10)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 8_000 * width / 4  # a byte for every four cells, where labels alone are four a cell


def test_a_file_written_by_parts_holds_every_polygon_in_order(tmp_path):
    classes = np.random.default_rng(3).integers(1, 5, (30, 30))
    drawn = draw_map(open_class_map(write_class_map(tmp_path / "c.tif", classes)), mmu_px=2, simplify_m=0)
    area = write_parts(tmp_path / "parts.gpkg", drawn.frames(7), {})
    frame = gpd.read_file(tmp_path / "parts.gpkg")
    assert len(frame) == len(drawn) > 7
    assert frame.code.tolist() == next(drawn.frames()).code.tolist()
    assert frame.area_m2.sum() == pytest.approx(area) == pytest.approx(90_000)


def test_polygons_carry_code_area_and_projection(two_halves):
    frame = polygonise_map(two_halves, mmu_px=4, simplify_m=0)
    assert list(frame.columns) == COLUMNS
    assert frame.code.tolist() == ["E1.2", "G1.7"]
    assert frame.area_m2.tolist() == [2400, 2400]
    assert frame.crs.to_epsg() == 2154
    assert frame.attrs["minimum_unit"] == {"merged": 1, "isolated": 0}


def test_values_without_a_classes_tag_are_their_own_codes(tmp_path):
    path = write_class_map(tmp_path / "classes.tif", [[12, 12], [311, 311]])
    assert polygonise_map(path, mmu_px=1, simplify_m=0).code.tolist() == ["12", "311"]


def test_confidence_is_the_mean_over_the_cells_where_it_is_known(two_halves, tmp_path):
    confidence = np.full((6, 8), 80)
    confidence[:, 4:] = 255
    confidence[0, 0] = 32
    path = write_raster(tmp_path / "confidence.tif", confidence, dtype="uint8", nodata=255)
    frame = polygonise_map(two_halves, mmu_px=4, simplify_m=0, confidence_path=path)
    assert frame.confidence[0] == 78.0
    assert np.isnan(frame.confidence[1])


def test_runner_ups_are_voted_by_share_without_the_polygons_own_code(tmp_path):
    classes = write_class_map(tmp_path / "classes.tif", np.full((2, 2), 3), codes={3: "A", 4: "B", 5: "C"})
    runner_ups = np.array([[[4, 4], [5, 3]], [[10, 10], [40, 30]], [[5, 0], [4, 4]], [[6, 0], [4, 4]]])
    path = write_raster(tmp_path / "runner_ups.tif", runner_ups, dtype="uint16")
    row = polygonise_map(classes, mmu_px=1, simplify_m=0, runner_ups_path=path).iloc[0]
    assert (row.runner_up_1, row.runner_up_1_share) == ("C", 12)  # (40 + 6) / 4
    assert (row.runner_up_2, row.runner_up_2_share) == ("B", 7)  # (10 + 10 + 4 + 4) / 4


def test_cells_taken_by_the_minimum_unit_vote_for_their_class(two_halves, tmp_path):
    confidence = write_raster(tmp_path / "confidence.tif", np.full((6, 8), 72), dtype="uint8", nodata=255)
    frame = polygonise_map(two_halves, mmu_px=4, simplify_m=0, confidence_path=confidence)
    assert (frame.runner_up_1[0], frame.runner_up_1_share[0]) == ("G1.7", 3)  # 72 / 24 cells
    assert (frame.runner_up_1[1], frame.runner_up_1_share[1]) == (None, 0)


def test_a_map_without_data_gives_an_empty_frame_with_its_columns(tmp_path):
    path = write_class_map(tmp_path / "classes.tif", np.zeros((3, 3)))
    frame = polygonise_map(path, mmu_px=4, simplify_m=10)
    assert frame.empty
    assert list(frame.columns) == COLUMNS
    assert frame.crs.to_epsg() == 2154


def test_a_confidence_raster_of_another_grid_is_refused_with_both_names(two_halves, tmp_path):
    shifted = TEN_METRES @ Affine.translation(1, 0)
    path = write_raster(tmp_path / "elsewhere.tif", np.zeros((6, 8)), dtype="uint8", transform=shifted)
    with pytest.raises(RasterError, match=r"elsewhere.tif does not lie on the grid of .*classes.tif"):
        polygonise_map(two_halves, mmu_px=4, simplify_m=0, confidence_path=path)


def test_runner_ups_with_too_few_bands_are_refused(two_halves, tmp_path):
    path = write_raster(tmp_path / "runner_ups.tif", np.zeros((2, 6, 8)), dtype="uint16")
    with pytest.raises(RasterError, match=r"runner_ups.tif: 2 band\(s\) instead of 4"):
        polygonise_map(two_halves, mmu_px=4, simplify_m=0, runner_ups_path=path)


def test_a_map_in_degrees_is_refused(tmp_path):
    path = write_class_map(tmp_path / "degrees.tif", [[1]], crs="EPSG:4326")
    with pytest.raises(RasterError, match=r"degrees.tif: the projection is in degrees"):
        polygonise_map(path, mmu_px=1, simplify_m=0)


def test_a_block_takes_its_most_frequent_class_and_ignores_a_minority_of_no_data():
    classes = np.array([[1, 2, 0, 0], [0, 2, 0, 4], [5, 5, 9, 9], [6, 6, 9, 9]], np.uint16)
    assert majority_blocks(classes, 2).tolist() == [[2, 0], [5, 9]]


def test_blocks_at_the_edges_count_only_the_cells_they_have():
    classes = np.array([[1, 1, 7]], np.uint16)
    assert majority_blocks(classes, 2).tolist() == [[1, 7]]


def test_a_generalised_map_is_a_coverage_by_patch(tmp_path):
    classes = np.random.default_rng(4).integers(0, 4, (60, 61)).repeat(3, 0).repeat(3, 1)
    path = write_class_map(tmp_path / "classes.tif", classes, codes={1: "A", 2: "B", 3: "C"})
    frame = generalise_map(path, factor=5)
    assert list(frame.columns) == ["code", "geometry"]
    assert set(frame.code) == {"A", "B", "C"}
    assert shapely.coverage_is_valid(frame.geometry.to_numpy())
    assert (frame.geom_type == "Polygon").all()


def test_a_damaged_confidence_raster_is_named(tmp_path):
    noise = np.random.default_rng(2).integers(1, 99, (200, 200))
    classes = write_class_map(tmp_path / "classes.tif", noise)
    path = write_raster(tmp_path / "confidence.tif", noise, dtype="uint8", nodata=255, compress="deflate")
    with pytest.raises(RasterError, match=r"confidence.tif: the raster breaks off or is damaged"):
        polygonise_map(classes, mmu_px=4, simplify_m=0, confidence_path=damage(path))
