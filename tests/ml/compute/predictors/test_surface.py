import numpy as np
import pytest

from ml.compute.predictors import surface

WIDTH, HEIGHT = 10.0, 8.0


def places(rows=41, columns=51):
    """Metres to the east and to the north of the middle."""
    east = (np.arange(columns) - columns // 2) * WIDTH
    north = (rows // 2 - np.arange(rows)) * HEIGHT
    return np.meshgrid(east, north)


def derive(heights):
    return surface.derive_surface(np.asarray(heights, np.float32), WIDTH, HEIGHT)


def test_a_plane_has_its_slope_and_exposure_everywhere():
    east, north = places()
    derived = derive(500 + 0.3 * east - 0.4 * north)
    np.testing.assert_allclose(surface.slope_degrees(derived), np.degrees(np.arctan(0.5)), rtol=1e-4)
    northness, eastness = surface.exposure(derived)
    np.testing.assert_allclose(northness, 0.4 / np.sqrt(1.25), rtol=1e-4)
    np.testing.assert_allclose(eastness, -0.3 / np.sqrt(1.25), rtol=1e-4)
    for curvature in surface.curvatures(derived):
        np.testing.assert_allclose(curvature, 0, atol=1e-5)


def test_a_plane_keeps_its_slope_up_to_the_edge_of_what_is_known():
    east, north = places()
    heights = 500 + 0.3 * east - 0.4 * north
    heights[:, :20] = np.nan
    heights[30:] = np.nan
    slopes = surface.slope_degrees(derive(heights))
    assert np.isnan(slopes[:, :19]).all()
    np.testing.assert_allclose(slopes[:29, 19:], np.degrees(np.arctan(0.5)), rtol=1e-4)


def test_a_cone_bends_along_its_contours_only():
    east, north = places()
    apart = np.hypot(east, north) + 1e-9
    derived = derive(1000 - 0.5 * apart)
    far = apart[1:-1, 1:-1] > 120
    _, profile, tangential = surface.curvatures(derived)
    expected = 0.5 / (apart[1:-1, 1:-1] * np.sqrt(1.25))
    np.testing.assert_allclose(tangential[far], expected[far], rtol=0.03)
    np.testing.assert_allclose(profile[far], 0, atol=2e-4)
    np.testing.assert_allclose(surface.slope_degrees(derived)[far], np.degrees(np.arctan(0.5)), rtol=5e-3)
    assert (surface.exposure(derived)[0] * north[1:-1, 1:-1])[far].min() >= -1e-3


def test_a_dome_is_convex_and_a_bowl_is_concave():
    east, north = places()
    dome = -0.001 * (east**2 + north**2)
    mean, profile, tangential = surface.curvatures(derive(dome))
    np.testing.assert_allclose(mean, 0.002, rtol=1e-3)
    middle = mean.shape[0] // 2, mean.shape[1] // 2
    assert profile[middle] == tangential[middle] == 0
    slope = 0.002 * np.hypot(east, north)[1:-1, 1:-1]
    steep = slope > 0.05
    np.testing.assert_allclose(profile[steep], (0.002 / (1 + slope**2) ** 1.5)[steep], rtol=0.02)
    np.testing.assert_allclose(tangential[steep], (0.002 / np.sqrt(1 + slope**2))[steep], rtol=0.02)
    np.testing.assert_allclose(surface.curvatures(derive(-dome))[0], -0.002, rtol=1e-3)


def test_the_range_of_the_square_is_the_roughness():
    heights = np.zeros((5, 5))
    heights[2, 2] = 7
    np.testing.assert_array_equal(derive(heights)[surface.RANGE], 7)


def test_position_is_the_height_above_the_mean_around():
    random = np.random.default_rng(3)
    heights = random.normal(800, 30, (30, 26)).astype(np.float32)
    heights[4:7, 9] = np.nan
    halo, radius = 6, 4
    position = surface.topographic_position(heights, halo, radius)
    assert position.shape == (18, 14)
    for row, column in ((0, 0), (5, 7), (17, 13)):
        around = heights[
            row + halo - radius : row + halo + radius + 1, column + halo - radius : column + halo + radius + 1
        ]
        expected = heights[row + halo, column + halo] - np.nanmean(around)
        assert position[row, column] == pytest.approx(expected, abs=1e-3)
    assert np.isnan(position[0, 3])


def test_slopes_to_the_south_west_are_the_warmest():
    east, north = places(5, 5)
    loads = {}
    for name, across, up in (("south_west", 1, 1), ("north_east", -1, -1), ("flat", 0, 0)):
        derived = derive(0.4 * (across * east + up * north))
        loads[name] = surface.heat_load(derived, np.full(3, 43.5))[1, 1]
    assert loads["south_west"] > loads["flat"] > loads["north_east"]
    assert loads["flat"] == pytest.approx(0.339 + 0.808 * np.cos(np.radians(43.5)), rel=1e-4)
