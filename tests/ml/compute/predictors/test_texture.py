import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.warp import reproject, transform_bounds

from ml.compute.predictors.errors import PredictorError
from tests.ml.compute.predictors.regions import GRID, build, values, write_region, write_source


@pytest.fixture
def region(tmp_path):
    return write_region(tmp_path / "region")


def fine_image(region, **options):
    """Pixels of 1.5 m: quiet in the west, in the east a field of noise; one dark corner."""
    random = np.random.default_rng(5)
    image = np.full((1, 340, 400), 100.0)
    image[:, :, 200:] += random.normal(0, 20, (340, 200))
    image[:, :40, :40] = 5
    return write_source(region / "vhr.tif", image.clip(1, 255).astype(np.uint8), cell=1.5, nodata=0, **options)


TEXTURE = GRID + '[[texture]]\nfile = "vhr.tif"\nsource = "vhr.tif"\nrange = [0, 255]\nshadow_below = 20\n'


def test_texture_tells_quiet_ground_from_varied_ground(region):
    fine_image(region)
    build(region, TEXTURE)
    bands = {name.removeprefix("vhr_1_"): plane for name, plane in values(region / "stack/2023/vhr.tif").items()}
    west, east, dark = (slice(10, 48), slice(8, 28)), (slice(0, 48), slice(32, 58)), (slice(0, 5), slice(0, 5))
    np.testing.assert_allclose(bands["mean"][west], 100, atol=0.1)
    np.testing.assert_allclose(bands["mean"][east].mean(), 100, atol=1)
    assert bands["deviation"][west].max() == bands["contrast"][west].max() == bands["entropy"][west].max() == 0
    assert bands["deviation"][east].mean() == pytest.approx(20, rel=0.05)
    assert bands["contrast"][east].mean() == pytest.approx(20 * np.sqrt(2), rel=0.05)
    assert bands["homogeneity"][west].min() == 1
    assert bands["homogeneity"][east].max() < 0.6
    assert bands["edges"][east].mean() > 0.1
    assert bands["shadow"][dark].min() == 1
    assert bands["shadow"][west].max() == 0


def test_texture_is_that_of_the_pixels_of_each_cell(region):
    fine_image(region)
    build(region, TEXTURE + 'measures = ["mean", "deviation"]\n')
    bands = values(region / "stack/2023/vhr.tif")
    with rasterio.open(region / "vhr.tif") as source:
        image = source.read(1).astype(float)
    centres = (np.arange(400) + 0.5) * 1.5
    for row, column in ((3, 40), (20, 33), (48, 59)):
        inside = np.ix_((centres[:340] // 10 == row), (centres // 10 == column))
        assert bands["vhr_1_mean"][row, column] == pytest.approx(image[inside].mean(), abs=0.011)
        assert bands["vhr_1_deviation"][row, column] == pytest.approx(image[inside].std(), abs=0.011)


def test_imagery_of_another_projection_gives_nearly_the_same_texture(region):
    fine_image(region)
    build(region, TEXTURE)
    own = values(region / "stack/2023/vhr.tif")
    with rasterio.open(region / "vhr.tif") as source:
        middle = transform_bounds(source.crs, "EPSG:32631", *source.bounds)
        transform = Affine(1.5, 0, middle[0], 0, -1.5, middle[3])
        warped = np.zeros((1, 420, 460), np.uint8)
        reproject(rasterio.band(source, 1), warped, dst_crs="EPSG:32631", dst_transform=transform, dst_nodata=0)
    turned = region / "turned.tif"
    profile = {"driver": "GTiff", "count": 1, "height": warped.shape[-2], "width": warped.shape[-1], "dtype": "uint8"}
    with rasterio.open(turned, "w", crs="EPSG:32631", transform=transform, nodata=0, **profile) as target:
        target.write(warped)
    build(region, TEXTURE.replace('source = "vhr.tif"', 'source = "turned.tif"'))
    other = values(region / "stack/2023/vhr.tif")
    inner = slice(5, 45), slice(5, 55)
    np.testing.assert_allclose(other["vhr_1_mean"][inner], own["vhr_1_mean"][inner], atol=8)
    ratio = other["vhr_1_deviation"][inner].mean() / own["vhr_1_deviation"][inner].mean()
    assert 0.6 < ratio < 1.1


def test_coarse_imagery_has_no_texture(region):
    write_source(region / "vhr.tif", np.ones((1, 60, 60), np.uint8), cell=8.0)
    with pytest.raises(PredictorError, match="too coarse for texture in cells of 10 m"):
        build(region, TEXTURE)
