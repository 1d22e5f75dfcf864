import json
from datetime import date

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.warp import transform_bounds

from ml.compute.predictors import building
from ml.compute.predictors.clouds import usable_cells
from ml.compute.predictors.errors import CatalogueError, PredictorError
from ml.compute.predictors.filling import fill_regularly, regular_steps, smoothing_weights
from ml.compute.predictors.indices import INDICES, missing_bands
from ml.compute.predictors.series import OpenSeries
from ml.compute.stacks import open_stack
from tests.ml.compute.predictors.local_stac import LocalCatalogue, served
from tests.ml.compute.predictors.regions import write_region

# What odc-geo asks of shapely and affine is deprecated there.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The 'shapely.ops.transform:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning"),
]
# A tile of 10 m cells that covers the region, in the same projection: what is read is what was written.
TILE = Affine(10, 0, 500_000, 0, -10, 4_800_000)
SIDE = 48
RECIPE = """
[grid]
bounds = [500000, 4799520, 500480, 4800000]

[[series]]
file = "{file}"
api = "{api}"
collection = "sentinel-2-l2a"
bands = {{ B04 = "red", B08 = "nir" }}
indices = ["NDVI"]
mask = "scl"
dilation_m = 0
start = "03-01"
end = "04-30"
step_days = 20
licence = "Copernicus"
"""


@pytest.fixture
def catalogue(tmp_path):
    (tmp_path / "images").mkdir()
    with served(LocalCatalogue(tmp_path / "images")) as catalogue:
        yield catalogue


@pytest.fixture
def region(tmp_path):
    return write_region(tmp_path / "region", epsg=32631)


def levels(red, near, scene=4):
    return {name: np.full((SIDE, SIDE), value) for name, value in (("red", red), ("nir", near), ("scl", scene))}


def add(catalogue, name, day, bands, **options):
    options.setdefault("properties", {"s2:processing_baseline": "03.01", "s2:mgrs_tile": "31TDH"})
    catalogue.add_image(name, f"{day}T10:50:00Z", bands, transform=options.pop("transform", TILE), **options)


def build(region, catalogue, recipe=RECIPE, file="s2.tif", **options):
    text = recipe.format(api=catalogue.address, file=file)
    (region / "predictors.toml").write_text(text, encoding="utf-8")
    return building.build_predictors(region, 2023, building.BuildOptions(**options))


def read(region, name="s2.tif"):
    with rasterio.open(region / "stack" / "2023" / name) as source:
        return dict(zip(source.descriptions, source.read(), strict=True))


def test_a_year_is_made_from_a_catalogue(region, catalogue):
    add(catalogue, "first", "2023-03-01", levels(1000, 3000))
    cloudy = levels(9000, 9000)
    cloudy["scl"][:20] = 9
    cloudy["red"][20:], cloudy["nir"][20:] = 2000, 4000
    add(catalogue, "second", "2023-03-11", cloudy)
    add(catalogue, "third", "2023-03-31", levels(3000, 5000))
    report = build(region, catalogue)
    assert report["made"] == ["s2.tif", "quality/s2_valid_dates.tif"]
    bands = read(region)
    assert list(bands)[:3] == ["2023-03-01_B04", "2023-03-01_B08", "2023-03-01_NDVI"]
    assert list(bands)[-1] == "2023-04-30_NDVI"
    np.testing.assert_array_equal(bands["2023-03-01_B04"], 1000)
    # Between 1 March and 31 March under the cloud, from 11 March on beside it.
    np.testing.assert_allclose(bands["2023-03-21_B04"][:20], 1000 + 2000 * 20 / 30, atol=1)
    np.testing.assert_allclose(bands["2023-03-21_B04"][20:], 2500, atol=1)
    np.testing.assert_array_equal(bands["2023-04-30_B08"], 5000)
    np.testing.assert_allclose(bands["2023-03-01_NDVI"], 5000, atol=1)
    counts = read(region, "quality/s2_valid_dates.tif")["valid_dates"]
    assert (counts[0, 0], counts[-1, 0]) == (2, 3)


def test_the_stack_is_read_as_physical_values_of_series(region, catalogue):
    add(catalogue, "first", "2023-03-01", levels(1000, 3000))
    build(region, catalogue)
    stack = open_stack(sorted((region / "stack/2023").glob("*.tif")))
    assert [series.name for series in stack.series] == ["B04", "B08", "NDVI"]
    assert stack.series[0].bands[0].day == date(2023, 3, 1)
    assert stack.series[0].bands[0].scale == pytest.approx(1e-4)


def test_each_band_has_a_file_where_the_name_says_so(region, catalogue):
    add(catalogue, "first", "2023-03-01", levels(1000, 3000))
    report = build(region, catalogue, file="s2_{band}.tif")
    assert report["made"] == ["s2_B04.tif", "s2_B08.tif", "s2_NDVI.tif", "quality/s2_valid_dates.tif"]
    assert list(read(region, "s2_B08.tif"))[:2] == ["2023-03-01_B08", "2023-03-21_B08"]


@pytest.mark.parametrize(
    ("properties", "raster_bands", "expected"),
    [
        ({"s2:processing_baseline": "04.00"}, None, 1000),
        ({"s2:processing_baseline": "03.01"}, None, 2000),
        ({"processing:version": "05.10"}, {"scale": 0.0001, "offset": -0.1}, 1000),
        ({"s2:processing_baseline": "05.10", "earthsearch:boa_offset_applied": True}, {"offset": -0.1}, 2000),
    ],
)
def test_the_offset_of_newer_baselines_is_taken_away_once(region, catalogue, properties, raster_bands, expected):
    add(catalogue, "one", "2023-03-05", levels(2000, 3000), properties=properties, raster_bands=raster_bands)
    build(region, catalogue)
    np.testing.assert_array_equal(read(region)["2023-03-01_B04"], expected)


def test_an_offset_in_the_recipe_wins_over_a_catalogue_that_is_wrong(region, catalogue):
    add(catalogue, "one", "2023-03-05", levels(2000, 3000), raster_bands={"offset": -0.1})
    build(region, catalogue, recipe=RECIPE + "offset = 0\n")
    np.testing.assert_array_equal(read(region)["2023-03-01_B04"], 2000)


def test_tiles_of_one_day_are_mosaicked_each_with_its_own_offset(region, catalogue):
    west = levels(1000, 3000)
    for plane in west.values():
        plane[:, 24:] = 0
    add(catalogue, "west", "2023-03-05", west, properties={"s2:mgrs_tile": "A", "s2:processing_baseline": "02.14"})
    later = {"s2:mgrs_tile": "B", "s2:processing_baseline": "05.09", "eo:cloud_cover": 20}
    add(catalogue, "east", "2023-03-05", levels(2500, 4000), properties=later)
    build(region, catalogue)
    bands = read(region)
    np.testing.assert_array_equal(bands["2023-03-01_B04"][:, :24], 1000)
    np.testing.assert_array_equal(bands["2023-03-01_B04"][:, 24:], 1500)
    assert read(region, "quality/s2_valid_dates.tif")["valid_dates"].max() == 1


def test_a_tile_processed_twice_is_read_once_in_its_newest_form(region, catalogue):
    add(
        catalogue,
        "old",
        "2023-03-05",
        levels(1000, 3000),
        properties={"s2:mgrs_tile": "A", "s2:processing_baseline": "02.14"},
    )
    add(
        catalogue,
        "new",
        "2023-03-05",
        levels(2300, 4000),
        properties={"s2:mgrs_tile": "A", "s2:processing_baseline": "05.00"},
    )
    build(region, catalogue)
    np.testing.assert_array_equal(read(region)["2023-03-01_B04"], 1300)
    manifest = json.loads((region / "stack/2023/manifest.json").read_text(encoding="utf-8"))
    assert [one["id"] for one in manifest["sections"]["s2.tif"]["remote_inputs"]] == ["new"]


def test_all_pages_are_read_and_images_of_another_projection_are_warped(region, catalogue):
    # Wider than the region: the projection turns it a little.
    west, south, east, north = transform_bounds("EPSG:32631", "EPSG:32630", 500_000, 4_799_520, 500_480, 4_800_000)
    wide = Affine(10, 0, west - 100, 0, -10, north + 100)
    height, width = int((north - south) / 10), int((east - west) / 10)
    for number, day in enumerate((1, 6, 11, 16, 21)):
        planes = {"red": 1000 + 100 * number, "nir": 3000, "scl": 4}
        bands = {name: np.full((height + 20, width + 20), value) for name, value in planes.items()}
        add(catalogue, f"item{number}", f"2023-03-{day:02d}", bands, transform=wide, crs="EPSG:32630")
    build(region, catalogue)
    assert catalogue.asked.count("/search") == 3
    bands = read(region)
    np.testing.assert_allclose(bands["2023-03-21_B04"], 1400, atol=1)
    assert read(region, "quality/s2_valid_dates.tif")["valid_dates"].min() == 5


def test_a_busy_server_is_asked_again(region, catalogue, monkeypatch):
    monkeypatch.setattr("ml.compute.predictors.stac_search.BACKOFF_S", 0.01)
    add(catalogue, "one", "2023-03-05", levels(2000, 3000))
    catalogue.failures = {"/search": [503, 500], "/files/one_red.tif": [503]}
    build(region, catalogue)
    np.testing.assert_array_equal(read(region)["2023-03-01_B04"], 2000)
    assert catalogue.asked.count("/search") == 3


def test_an_image_that_cannot_be_read_is_named_and_nothing_is_replaced(region, catalogue):
    add(catalogue, "one", "2023-03-05", levels(2000, 3000))
    build(region, catalogue)
    before = (region / "stack/2023/s2.tif").read_bytes()
    add(catalogue, "two", "2023-03-15", levels(2000, 3000))
    (catalogue.folder / "two_nir.tif").unlink()
    with pytest.raises(CatalogueError, match=r"files/two_nir\.tif: this file of the image two .*items/two") as error:
        build(region, catalogue, again=True)
    assert "secret" not in str(error.value)
    assert (region / "stack/2023/s2.tif").read_bytes() == before
    assert list((region / "stack/2023").glob("*.tif")) == [region / "stack/2023/s2.tif"]


def test_what_is_written_is_not_fetched_again(region, catalogue, monkeypatch):
    add(catalogue, "one", "2023-03-05", levels(2000, 3000))
    add(catalogue, "two", "2023-03-25", levels(1000, 3000))
    # A grid of two windows; the run dies at the second.
    recipe = RECIPE.replace("[500000, 4799520, 500480, 4800000]", "[500000, 4799520, 506000, 4800000]")
    wanted = OpenSeries.levels
    monkeypatch.setattr(
        OpenSeries, "levels", lambda opened, window: 1 / 0 if window.col_off else wanted(opened, window)
    )
    with pytest.raises(ZeroDivisionError):
        build(region, catalogue, recipe=recipe)
    monkeypatch.setattr(OpenSeries, "levels", wanted)
    catalogue.asked.clear()
    build(region, catalogue, recipe=recipe)
    assert not [path for path in catalogue.asked if path.startswith("/files")]
    assert not (region / "stack/2023/.parts").exists()
    np.testing.assert_array_equal(read(region)["2023-03-01_B04"][:, :SIDE], 2000)
    catalogue.asked.clear()
    assert build(region, catalogue, recipe=recipe)["made"] == []
    assert catalogue.asked == []


def test_a_catalogue_that_is_away_or_empty_is_said(region, catalogue):
    with pytest.raises(CatalogueError, match="has 0 images"):
        build(region, catalogue)
    add(catalogue, "one", "2023-03-05", levels(2000, 3000), properties={"eo:cloud_cover": 90})
    with pytest.raises(CatalogueError, match=r"has 1 images .* none under 50 %"):
        build(region, catalogue, recipe=RECIPE + "max_cloud_cover = 50\n")
    with pytest.raises(CatalogueError, match="no asset 'swir'; it has nir, red, scl"):
        build(region, catalogue, recipe=RECIPE.replace('B04 = "red"', 'B04 = "red", B11 = "swir"'))
    with pytest.raises(CatalogueError, match="does not answer as a STAC API"):
        build(region, catalogue, recipe=RECIPE.replace("{api}", "{api}/nowhere"))


def test_no_signature_or_password_reaches_the_manifest(region, catalogue):
    add(catalogue, "one", "2023-03-05", levels(2000, 3000))
    signed = catalogue.address.replace("http://", "http://reader:word@") + "/?key=secret"
    recipe = RECIPE.replace("{api}", signed)
    build(region, catalogue, recipe=recipe)
    text = (region / "stack/2023/manifest.json").read_text(encoding="utf-8")
    assert "secret" not in text
    assert "reader" not in text


def test_dated_files_of_this_machine_make_a_series_too(region, tmp_path):
    names = ["2023-03-01_B04", "2023-03-01_SCL", "2023-04-10_B04", "2023-04-10_SCL"]
    planes = np.stack([np.full((SIDE, SIDE), value, np.int16) for value in (1000, 4, 3000, 4)])
    planes[3, :, :10] = 8
    profile = {"driver": "GTiff", "width": SIDE, "height": SIDE, "count": 4, "dtype": "int16", "nodata": -1}
    (region / "raw").mkdir()
    with rasterio.open(region / "raw/2023.tif", "w", crs="EPSG:32631", transform=TILE, **profile) as target:
        target.write(planes)
        target.descriptions = names
        target.scales = [1e-4, 1, 1e-4, 1]
    (region / "predictors.toml").write_text(
        '[[series]]\nfile = "s2.tif"\nfiles = "raw/{year}.tif"\nbands = ["B04"]\nmask = "SCL"\ndilation_m = 20\n'
        'start = "03-01"\nend = "04-10"\nstep_days = 10\n[grid]\nlike = "raw/2023.tif"\n',
        encoding="utf-8",
    )
    building.build_predictors(region, 2023)
    bands = read(region)
    np.testing.assert_allclose(bands["2023-03-21_B04"][:, 12:], 2000, atol=1)
    np.testing.assert_allclose(bands["2023-04-10_B04"][:, :12], 1000, atol=1)
    with rasterio.open(region / "raw/2023.tif", "r+") as target:
        target.scales = [1, 1, 1, 1]
    with pytest.raises(PredictorError, match=r"values up to 1000, but levels of 0.0001 end at 3.2767"):
        building.build_predictors(region, 2023)
    recipe = (region / "predictors.toml").read_text(encoding="utf-8")
    (region / "predictors.toml").write_text(
        recipe.replace("[[series]]", "[[series]]\nsource_scale = 0.0001"), encoding="utf-8"
    )
    building.build_predictors(region, 2023)
    np.testing.assert_allclose(read(region)["2023-03-21_B04"][:, 12:], 2000, atol=1)


def test_a_series_without_steps_keeps_its_dates_and_gaps(region, catalogue):
    cloudy = levels(2000, 3000)
    cloudy["scl"][:5] = 8
    add(catalogue, "one", "2023-03-05", cloudy)
    build(region, catalogue, recipe=RECIPE.replace("step_days = 20", ""))
    bands = read(region)
    assert list(bands) == ["2023-03-05_B04", "2023-03-05_B08", "2023-03-05_NDVI"]
    assert (bands["2023-03-05_NDVI"][:5] == -32768).all()
    assert (bands["2023-03-05_NDVI"][5:] == 2000).all()


def test_clouds_are_widened_but_snow_is_not():
    scene = np.full((9, 9), 4, np.uint8)
    scene[4, 4] = 9
    scene[0, 0] = 11
    usable = usable_cells(scene, (0, 9, 11), 2)
    assert usable.sum() == 81 - 13 - 1
    assert usable[0, 1]


def test_steps_are_regular_and_smoothing_keeps_a_constant():
    steps = regular_steps(date(2023, 1, 1), date(2023, 2, 1), 10)
    assert [day.isoformat() for day in steps] == ["2023-01-01", "2023-01-11", "2023-01-21", "2023-01-31"]
    days = np.array([0, 10, 20, 30], np.float32)
    np.testing.assert_allclose(smoothing_weights(days, 12).sum(axis=1), 1, rtol=1e-6)
    values = np.array([[1, np.nan], [np.nan, np.nan], [3, np.nan]], np.float32)
    filled = fill_regularly(values, days[:3], days, 5)
    assert filled[0, 0] > 1
    assert filled[3, 0] < 3
    assert np.isnan(filled[:, 1]).all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NDVI", (0.4 - 0.1) / 0.5),
        ("EVI", 2.5 * 0.3 / (0.4 + 0.6 - 7.5 * 0.05 + 1)),
        ("EVI2", 2.5 * 0.3 / (0.4 + 0.24 + 1)),
        ("SAVI", 1.5 * 0.3 / 1.0),
        ("NDWI", (0.08 - 0.4) / 0.48),
        ("NDMI", (0.42 - 0.2) / 0.62),
        ("NBR", (0.42 - 0.15) / 0.57),
        ("BSI", (0.2 + 0.1 - 0.4 - 0.05) / 0.75),
    ],
)
def test_indices_have_their_usual_formulas(name, expected):
    levels = {"B02": 0.05, "B03": 0.08, "B04": 0.1, "B05": 0.2, "B08": 0.4, "B8A": 0.42, "B11": 0.2, "B12": 0.15}
    planes = {band: np.array([[value, np.nan]], np.float32) for band, value in levels.items()}
    index = INDICES[name].of(planes)
    assert index[0, 0] == pytest.approx(expected, rel=1e-4)
    assert np.isnan(index[0, 1])
    assert missing_bands(name, ("B01",))


def test_a_year_without_any_image_in_its_period_is_said(region, catalogue):
    add(catalogue, "one", "2023-03-05", levels(2000, 3000))
    with pytest.raises((PredictorError, CatalogueError), match="has 0 images"):
        build(region, catalogue, recipe=RECIPE.replace("03-01", "04-01"))
