import json
import shutil

import numpy as np
import pytest
import rasterio

from ml.compute.commands import predictors
from ml.compute.errors import ComputeError
from ml.compute.predictors import building, outputs
from ml.compute.predictors.errors import PredictorError, StackManifestError
from ml.compute.predictors.stack_manifest import verify_stack
from ml.compute.region import check_region_folder, read_region_folder, stack_bands
from ml.compute.stacks import StackReader, open_stack
from tests.ml.compute.commands.running import run_command
from tests.ml.compute.predictors.regions import GRID, RELIEF, build, slope_to_the_north, write_region
from tests.ml.compute.tiny_regions import write_tiny_region


@pytest.fixture
def region(tmp_path):
    return write_region(tmp_path / "region")


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


def test_an_unknown_file_to_make_or_another_grid_is_refused(region):
    slope_to_the_north(region)
    with pytest.raises(PredictorError, match=r"no section writes 'x\.tif'; the files are relief\.tif"):
        build(region, RELIEF, only=("x.tif",))
    build(region, RELIEF)
    with pytest.raises(PredictorError, match="on another grid"):
        build(region, RELIEF.replace("700600", "700700"))
