import json
import shutil

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.warp import reproject, transform_bounds
from shapely.geometry import box

from ml.compute.commands import predictors
from ml.compute.errors import ComputeError
from ml.compute.predictors import building, layers, outputs
from ml.compute.predictors.errors import PredictorError, StackManifestError
from ml.compute.predictors.stack_manifest import verify_stack
from ml.compute.region import check_region_folder, read_region_folder, stack_bands
from ml.compute.stacks import StackReader, open_stack
from tests.ml.compute.commands.running import run_command
from tests.ml.compute.predictors.regions import write_region
from tests.ml.compute.rasters import shared_path
from tests.ml.compute.tiny_regions import write_tiny_region

GRID = "[grid]\nbounds = [700000, 6299500, 700600, 6300000]\n"
WEST, NORTH = 700_000, 6_300_000


def write(path, bands, *, cell=10.0, names=None, nodata=None, crs="EPSG:2154", origin=(WEST, NORTH), scales=None):
    """Write (bands, rows, columns) with their type."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = bands.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": bands.dtype}
    transform = Affine(cell, 0, origin[0], 0, -cell, origin[1])
    with rasterio.open(path, "w", crs=crs, transform=transform, nodata=nodata, **profile) as target:
        target.write(bands)
        if names:
            target.descriptions = names
        if scales:
            target.scales = scales
    return path


def build(region, recipe, **options):
    (region / "predictors.toml").write_text(recipe, encoding="utf-8")
    return building.build_predictors(region, 2023, building.BuildOptions(**options))


def values(path):
    """Physical values by description."""
    with rasterio.open(path) as source:
        levels = source.read().astype(np.float64)
        levels[levels == source.nodata] = np.nan
        scaled = levels * np.array(source.scales)[:, None, None] + np.array(source.offsets)[:, None, None]
        return dict(zip(source.descriptions, scaled, strict=True))


@pytest.fixture
def region(tmp_path):
    return write_region(tmp_path / "region")


def slope_to_the_north(region, *, cell=10.0, margin=20):
    """A plane that falls 30 cm a metre towards the north, larger than the region by a margin."""
    side = round(600 / cell) + 2 * margin
    north = NORTH + margin * cell - (np.arange(side) + 0.5) * cell
    heights = np.repeat((1000 - 0.3 * (north - NORTH))[:, None], side, 1)
    origin = WEST - margin * cell, NORTH + margin * cell
    return write(region / "dem.tif", heights[None].astype(np.float32), cell=cell, origin=origin, nodata=-9999)


RELIEF = GRID + '[[relief]]\nfile = "relief.tif"\ndem = "dem.tif"\n'


@pytest.mark.parametrize("cell", [5.0, 10.0, 25.0])
def test_relief_of_a_model_of_any_cell_size_keeps_its_slope(region, cell):
    slope_to_the_north(region, cell=cell)
    report = build(region, RELIEF + 'derivatives = ["elevation", "slope", "northness", "position"]\nradii_m = [50]\n')
    assert report["made"] == ["relief.tif"]
    bands = values(region / "stack/2023/relief.tif")
    assert list(bands) == ["elevation", "slope", "northness", "position_50m"]
    np.testing.assert_allclose(bands["slope"], np.degrees(np.arctan(0.3)), atol=0.02)
    np.testing.assert_allclose(bands["northness"], 0.3 / np.sqrt(1.09), atol=1e-3)
    np.testing.assert_allclose(bands["position_50m"], 0, atol=0.1)
    assert bands["elevation"][0, 0] == pytest.approx(1000 + 0.3 * 5, abs=0.2)


def test_a_stack_file_is_a_cloud_optimised_int16_raster(region):
    slope_to_the_north(region)
    build(region, RELIEF)
    with rasterio.open(region / "stack/2023/relief.tif") as source:
        structure = source.tags(ns="IMAGE_STRUCTURE")
        assert (structure["LAYOUT"], structure["COMPRESSION"], structure["PREDICTOR"]) == ("COG", "ZSTD", "2")
        assert set(source.dtypes) == {"int16"}
        assert source.block_shapes[0] == (512, 512)
        assert source.nodata == -32768
        assert source.units[0] == "m"
        assert (source.width, source.height) == (60, 50)


def test_a_file_does_not_depend_on_the_windows_it_was_made_in(tmp_path):
    random = np.random.default_rng(1)
    heights = random.normal(500, 5, (1, 60, 1100)).astype(np.float32)
    recipe = RELIEF.replace("700600", "711000")
    files = []
    for side in (512, 1024):
        region = write_region(tmp_path / str(side))
        write(region / "dem.tif", heights)
        build(region, recipe + f"window_px = {side}\n")
        files.append((region / "stack/2023/relief.tif").read_bytes())
    assert files[0] == files[1]


def test_climate_is_matched_by_name_and_keeps_its_values(region):
    ramp = np.linspace(-5, 20, 8, dtype=np.float32)[None].repeat(8, 0)
    present = write(region / "climate/now.tif", np.stack([ramp, 10 * ramp]), cell=100.0, names=["bio01", "bio12"])
    other = write(region / "climate/later.tif", np.stack([10 * ramp, ramp]), cell=100.0, names=["bio12", "bio01"])
    read = {}
    for path in (present, other):
        recipe = f'{GRID}[[layers]]\nfile = "climate.tif"\nsource = "climate/{path.name}"\n'
        build(region, recipe + 'bands = { warmth = "bio01", rain = "bio12" }\nunit = "mixed"\n')
        read[path.name] = values(region / "stack/2023/climate.tif")
    np.testing.assert_array_equal(read["now.tif"]["warmth"], read["later.tif"]["warmth"])
    assert read["now.tif"]["warmth"][20, 25] == pytest.approx(ramp[0, 2] + (ramp[0, 3] - ramp[0, 2]) * 0.05, abs=1e-3)
    np.testing.assert_allclose(read["now.tif"]["rain"], 10 * read["now.tif"]["warmth"], atol=0.02)


def test_soil_codes_are_never_mixed(region):
    codes = np.random.default_rng(2).choice([3, 7, 1200], (1, 240, 240)).astype(np.int32)
    write(region / "soil.tif", codes, cell=2.5, names=["unit"], nodata=0)
    recipe = GRID + '[[layers]]\nfile = "soil.tif"\nsource = "soil.tif"\nbands = ["unit"]\nkind = "category"\n'
    build(region, recipe)
    assert set(np.unique(values(region / "stack/2023/soil.tif")["unit"])) <= {3, 7, 1200}
    with pytest.raises(PredictorError, match="mixes codes"):
        build(region, recipe + 'resampling = "bilinear"\n')
    write(region / "soil.tif", codes * 100, cell=2.5, names=["unit"], nodata=0)
    with pytest.raises(PredictorError, match="the codes of 'unit' go from 300 to 120000"):
        build(region, recipe)


def test_nan_infinite_and_missing_values_have_no_data(region):
    bands = np.ones((1, 50, 60), np.float32)
    bands[0, 0, :3] = np.nan, np.inf, -np.inf
    bands[0, 1, 0] = -99
    write(region / "x.tif", bands, names=["x"], nodata=-99)
    build(region, GRID + '[[layers]]\nfile = "x_out.tif"\nsource = "x.tif"\nbands = ["x"]\nscale = 0.5\n')
    found = values(region / "stack/2023/x_out.tif")["x"]
    assert np.isnan(found[0, :3]).all()
    assert np.isnan(found[1, 0])
    assert (np.delete(found.ravel(), [0, 1, 2, 60]) == 1).all()


@pytest.mark.parametrize("low_high", [(0, 1), (-3, 25), (0, 65_000), (100_000, 100_010), (5, 5), (-2e-4, 3e-4)])
def test_levels_hold_any_range_of_a_quantity(low_high):
    scale = layers.quiet_scale(*low_high)
    offset = layers.quiet_offset(*low_high, scale)
    band = outputs.OutputBand("x", scale, offset)
    ends = np.array(low_high, np.float64)
    found = outputs.to_values(outputs.to_levels(ends.astype(np.float32), band), band)
    np.testing.assert_allclose(found, ends, atol=max(scale, 1e-7 * abs(ends).max()))


def write_geology(region, units, *, crs="EPSG:2154"):
    """Two halves of the region and a stripe outside."""
    shapes = [box(WEST, NORTH - 500, WEST + 300, NORTH), box(WEST + 300, NORTH - 500, WEST + 500, NORTH)]
    frame = gpd.GeoDataFrame({"unit": units}, geometry=shapes, crs="EPSG:2154").to_crs(crs)
    frame.to_file(region / "geology.gpkg", layer="geology")


GEOLOGY = GRID + '[[polygons]]\nfile = "geology.tif"\nsource = "geology.gpkg"\nfield = "unit"\n'


@pytest.mark.parametrize("crs", ["EPSG:2154", "EPSG:4326"])
def test_geology_drawn_as_polygons_is_burnt_by_its_codes(region, crs):
    write_geology(region, ["marne", "calcaire"], crs=crs)
    build(region, GEOLOGY)
    path = region / "stack/2023/geology.tif"
    codes = values(path)["unit"]
    assert (set(codes[:, :29].ravel()), set(codes[:, 31:49].ravel())) == ({2}, {1})
    assert np.isnan(codes[:, 51:]).all()
    with rasterio.open(path) as source:
        assert json.loads(source.tags()["CLASSES"]) == {"1": "calcaire", "2": "marne"}


def test_polygons_may_hold_a_quantity(region):
    write_geology(region, [6.25, 7.5])
    build(region, GEOLOGY + 'kind = "continuous"\nname = "ph"\n')
    found = values(region / "stack/2023/geology.tif")["ph"]
    np.testing.assert_allclose((found[0, 0], found[0, 40]), (6.25, 7.5), atol=1e-3)


def test_polygons_without_the_field_or_elsewhere_are_said(region):
    write_geology(region, ["marne", "calcaire"])
    with pytest.raises(PredictorError, match=r"no field 'code'; it has unit"):
        build(region, GEOLOGY.replace('"unit"', '"code"'))
    with pytest.raises(PredictorError, match="holds text"):
        build(region, GEOLOGY + 'kind = "continuous"\n')
    with pytest.raises(PredictorError, match="0 files are called"):
        build(region, GEOLOGY.replace("geology.gpkg", "soil.gpkg"))
    with pytest.raises(PredictorError, match="lies on the region"):
        build(region, GEOLOGY.replace("[700000, 6299500, 700600, 6300000]", "[710000, 6299500, 710600, 6300000]"))


def fine_image(region, **options):
    """Pixels of 1.5 m: quiet in the west, in the east a field of noise; one dark corner."""
    random = np.random.default_rng(5)
    image = np.full((1, 340, 400), 100.0)
    image[:, :, 200:] += random.normal(0, 20, (340, 200))
    image[:, :40, :40] = 5
    return write(region / "vhr.tif", image.clip(1, 255).astype(np.uint8), cell=1.5, nodata=0, **options)


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
    write(region / "vhr.tif", np.ones((1, 60, 60), np.uint8), cell=8.0)
    with pytest.raises(PredictorError, match="too coarse for texture in cells of 10 m"):
        build(region, TEXTURE)


def test_a_stack_is_made_once_and_verified(region):
    slope_to_the_north(region)
    assert build(region, RELIEF)["made"] == ["relief.tif"]
    again = build(region, RELIEF)
    assert (again["made"], again["kept"]) == ([], ["relief.tif"])
    assert verify_stack(region / "stack/2023")["files"] == 1
    entry = json.loads((region / "stack/2023/manifest.json").read_text(encoding="utf-8"))["sections"]["relief.tif"]
    assert entry["inputs"][0]["id"] == "dem.tif"
    assert entry["code_version"]
    assert str(region) not in json.dumps(entry)


def test_what_changed_is_made_again(region):
    slope_to_the_north(region)
    build(region, RELIEF)
    first = (region / "stack/2023/relief.tif").read_bytes()
    assert build(region, RELIEF + "radii_m = [200]\n")["made"] == ["relief.tif"]
    assert build(region, RELIEF)["made"] == ["relief.tif"]
    assert (region / "stack/2023/relief.tif").read_bytes() == first
    slope_to_the_north(region, margin=25)
    assert build(region, RELIEF)["made"] == ["relief.tif"]


def test_an_altered_or_missing_file_is_found_and_made_again(region):
    slope_to_the_north(region)
    build(region, RELIEF)
    path = region / "stack/2023/relief.tif"
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as source:
        source.update_tags(NOTE="touched")
    with pytest.raises(StackManifestError, match=r"relief\.tif was changed"):
        verify_stack(region / "stack/2023")
    path.unlink()
    with pytest.raises(StackManifestError, match=r"relief\.tif is missing"):
        verify_stack(region / "stack/2023")
    assert build(region, RELIEF)["made"] == ["relief.tif"]
    assert verify_stack(region / "stack/2023")["files"] == 1


def test_a_full_disk_leaves_the_earlier_files(region, monkeypatch):
    slope_to_the_north(region)
    build(region, RELIEF)
    before = (region / "stack/2023/relief.tif").read_bytes()

    def fail(*words, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputs, "copy_raster", fail)
    with pytest.raises(ComputeError, match="the disk is full"):
        build(region, RELIEF, again=True)
    assert (region / "stack/2023/relief.tif").read_bytes() == before
    assert verify_stack(region / "stack/2023")["not_in_the_manifest"] == []


def test_a_built_stack_completes_a_region_folder_that_trains(tmp_path):
    tiny = write_tiny_region(tmp_path / "tiny")
    shutil.copy(tiny.path / "stack/2024/relief.tif", tiny.path / "dem.tif")
    (tiny.path / "predictors.toml").write_text(
        '[[relief]]\nfile = "shape.tif"\ndem = "dem.tif"\nderivatives = ["slope", "northness"]\n', encoding="utf-8"
    )
    building.build_predictors(tiny.path, 2024)
    check_region_folder(read_region_folder(tiny.path))
    shape = next(band for band in stack_bands(read_region_folder(tiny.path), 2024) if band.name == "slope")
    assert (shape.scale, shape.unit, shape.kind) == (0.01, "degree", "static")
    stack = open_stack(tiny.stack)
    assert [series.name for series in stack.series] == ["NDVI", "elevation", "slope", "northness"]
    with StackReader(stack) as reader:
        slope = reader.read(next(stack.grid.windows(64)))[2]
    assert 0 < np.nanmedian(slope) < 90


def test_the_commands_build_and_verify(region):
    slope_to_the_north(region)
    (region / "predictors.toml").write_text(RELIEF, encoding="utf-8")
    report = run_command(predictors, "build", region, "--year", 2023, "--only", "relief.tif")
    assert report["made"] == ["relief.tif"]
    assert report["energy_method"] == "estimated"
    assert run_command(predictors, "verify", region, "--year", 2023)["verified"]


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        ("", "nothing to make"),
        ("[[relief]", "not readable as TOML"),
        ("[[reliefs]]\nfile = 'x.tif'", "the section 'reliefs' is unknown"),
        ("grid = 3", r"write \[grid\] as a section"),
        ("relief = 3", r"write each 'relief' as its own \[\[relief\]\] section"),
        (GRID + "[[relief]]\ndem = 'd.tif'", "the key 'file' is missing"),
        (GRID + "[[relief]]\nfile = '../x.tif'\ndem = 'd.tif'", "write a plain name"),
        (GRID + "[[relief]]\nfile = 'x.tif'\ndem = 'd.tif'", "no file is called 'd.tif'"),
        (GRID + "[[relief]]\nfile = 'x.tif'\ndem = 'd.tif'\nslopes = 1", "the key 'slopes' is unknown"),
        (GRID + "[[relief]]\nfile = 'x.tif'\ndem = 'd.tif'\nderivatives = ['twi']", "has 'twi'; use elevation, "),
        (GRID + "[[relief]]\nfile = 'x.tif'\ndem = 'd.tif'\nradii_m = [-3]", "list distances in metres"),
        (GRID + "[[relief]]\nfile = 'x.tif'\ndem = 'd.tif'\nwindow_px = 300", "write 512 or 1024"),
        (2 * (GRID + "[[relief]]\nfile = 'x.tif'\ndem = 'd.tif'\n").replace(GRID, ""), "two sections write"),
        (GRID + "[[series]]\nfile = 's.tif'\nbands = ['B04']", "write either 'api'"),
        (GRID + "[[series]]\nfile = 's.tif'\nbands = 'B04'\nfiles = 'x'", "write a list as"),
        (GRID + "[[series]]\nfile = 's.tif'\nbands = ['B04']\nfiles = 'x'\nindices = ['NDVI']", "needs B08"),
        (GRID + "[[series]]\nfile = 's.tif'\nbands = ['B04']\nfiles = 'x'\nstart = '13-01'", "write month and day"),
        (GRID + "[[series]]\nfile = 's.tif'\nbands = ['B04']\nfiles = 'x'\nmasked_classes = [12]", "0 to 11"),
        (GRID + "[[series]]\nfile = 's.tif'\nbands = ['B04']\napi = 'ftp://x'\ncollection = 'c'", "write the address"),
        (
            GRID + "[[layers]]\nfile = 'l.tif'\nsource = 'l.tif'\nbands = ['a']\nkind = 'codes'",
            "use continuous, category",
        ),
        (GRID + "[[texture]]\nfile = 't.tif'\nsource = 't.tif'\nrange = [3, 1]", "the lowest and the highest"),
        ("[grid]\nbounds = [1, 2, 3]\n[[relief]]\nfile = 'x.tif'\ndem = 'd.tif'", "write four numbers"),
        ("[grid]\nbounds = [5, 5, 3, 9]\n[[relief]]\nfile = 'x.tif'\ndem = 'd.tif'", "west must be under east"),
        ("[[relief]]\nfile = 'x.tif'\ndem = 'd.tif'", "nothing says where the region is"),
    ],
)
def test_a_wrong_recipe_names_the_file_the_key_and_the_way_out(region, recipe, sentence):
    with pytest.raises(PredictorError, match=sentence) as error:
        build(region, recipe)
    assert "predictors.toml" in str(error.value)
    assert not (region / "stack").exists()


def test_a_missing_band_names_those_that_are_there(region):
    write(region / "c.tif", np.ones((2, 50, 60), np.float32), names=["bio01", "bio12"])
    recipe = GRID + '[[layers]]\nfile = "c_out.tif"\nsource = "c.tif"\nbands = ["bio02"]\n'
    with pytest.raises(PredictorError, match=r"no band 'bio02'; it has bio01, bio12"):
        build(region, recipe)


def test_an_unknown_file_to_make_or_another_grid_is_refused(region):
    slope_to_the_north(region)
    with pytest.raises(PredictorError, match=r"no section writes 'x\.tif'; the files are relief\.tif"):
        build(region, RELIEF, only=("x.tif",))
    build(region, RELIEF)
    with pytest.raises(PredictorError, match="on another grid"):
        build(region, RELIEF.replace("700600", "700700"))


@pytest.mark.shared
def test_real_models_of_two_zones_make_nearly_the_same_relief(tmp_path):
    paths = [str(path) for path in sorted(shared_path("data/dem").glob("*.tif"))]
    region = write_region(tmp_path / "huesca", epsg=25830, resolution=100.0)
    recipe = (
        "[grid]\nbounds = [735000, 4700000, 755000, 4720000]\n[[relief]]\nfile = 'relief.tif'\nradii_m = [500, 2000]\n"
    )
    reliefs = []
    for order in (paths, paths[::-1]):
        build(region, recipe + f"dem = {order}\n")
        reliefs.append(values(region / "stack/2023/relief.tif"))
    first, second = reliefs
    assert all(np.isfinite(plane).all() for plane in first.values())
    assert 5 < np.median(first["slope"]) < 40
    assert np.median(np.abs(first["elevation"] - second["elevation"])) < 10
    for name in ("slope", "northness", "eastness", "position_500m", "position_2000m"):
        assert np.corrcoef(first[name].ravel(), second[name].ravel())[0, 1] > 0.9


@pytest.mark.shared
def test_real_climates_are_matched_by_name_though_their_order_differs(tmp_path):
    folder = shared_path("data/climate_iberia")
    region = write_region(tmp_path / "iberia", epsg=32630, resolution=10_000.0)
    for scenario in ("current", "ssp245_2090"):
        source = next((folder / scenario).glob("*.tif"))
        with rasterio.open(source) as opened:
            names = list(opened.descriptions)[:2]
        recipe = "[grid]\nbounds = [200000, 4200000, 800000, 4700000]\n[[layers]]\nfile = 'climate.tif'\n"
        build(region, recipe + f"source = '{source}'\nbands = {names}\n")
        found = values(region / "stack/2023/climate.tif")
        assert list(found) == names
        assert all(np.isfinite(plane).mean() > 0.9 for plane in found.values())
