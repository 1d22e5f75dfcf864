import numpy as np
import pytest
from shapely.geometry import LineString, Point, Polygon

from ml.compute.errors import ComputeError, LegendError, RegionFolderError, SampleError, StackError
from ml.compute.region import check_region_folder, read_region_folder, read_samples, read_territory_layers
from tests.ml.compute.rasters import shared_path
from tests.ml.compute.tiny_regions import (
    DATES,
    HEIGHT,
    LEGEND,
    TOML,
    TRANSFORM,
    WIDTH,
    write_legend,
    write_stack_file,
    write_tiny_region,
)


@pytest.fixture
def region(tmp_path):
    return write_tiny_region(tmp_path / "Pays d'Été")


def check(region):
    return check_region_folder(read_region_folder(region.path))


def refused(region, kind, *words):
    with pytest.raises(kind) as caught:
        check(region)
    sentence = str(caught.value)
    assert "\n" not in sentence
    for word in words:
        assert word in sentence


def test_a_sound_folder_is_read_whole(region):
    folder = read_region_folder(region.path)
    assert (folder.slug, folder.typology, folder.epsg, folder.years) == (
        "pays-d-ete",
        "legend:pays-d-ete",
        2154,
        (2024,),
    )
    assert (folder.simulated, folder.seed, folder.mmu_px, folder.kinds) == (False, None, 4, ("region", "commune"))
    assert [row.code for row in folder.legend] == ["E", "E1.2", "G1.7", "J2"]
    assert folder.legend[1].rgb == (0xAA, 0xBB, 0x33)
    assert [file.name for file in folder.stack_files(2024)] == ["ndvi.tif", "relief.tif"]


def test_what_is_absent_is_said(region):
    notices = check(region)
    for part in ("releves", "observations", "climate"):
        assert any(part in notice for notice in notices)


def test_samples_come_as_text_in_the_projection_of_the_folder(region):
    region.rewrite_samples(region.samples.drop(columns=["observers"]).to_crs(4326))
    samples = read_samples(read_region_folder(region.path), 2024)
    assert samples.crs.to_epsg() == 2154
    assert set(samples.columns) >= {"code", "date", "observers", "origin", "split", "geometry"}
    assert samples["date"][0] == "2024-06-01"
    assert samples["observers"][0] == ""


def test_without_a_territories_file_the_footprint_is_the_territory(region):
    region.rewrite_toml(TOML[TOML.index("[territories]") : TOML.index("[[predictors]]")], "")
    layers = read_territory_layers(read_region_folder(region.path))
    assert list(layers) == ["region"]
    assert layers["region"].area.sum() == WIDTH * HEIGHT * 100
    assert any("footprint" in notice for notice in check(region))


def test_territory_layers_come_widest_first(region):
    layers = read_territory_layers(read_region_folder(region.path))
    assert {kind: len(frame) for kind, frame in layers.items()} == {"region": 1, "commune": 2}


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ('name = "Pays d\'essai"', "", "'name' is missing"),
        ("epsg = 2154", 'epsg = "2154"', "'epsg'"),
        ("epsg = 2154", "epsg = 999999", "EPSG does not know"),
        ("epsg = 2154", "epsg = 4326", "not a projection"),
        ("resolution_m = 10.0", "resolution_m = -1", "'resolution_m'"),
        ("years = [2024]", "years = []", "'years'"),
        ("years = [2024]", "years = [2024, 2024]", "twice"),
        ("years = [2024]", "years = [2024, 2025]", "2025"),
        ('kind = "static"', 'kind = "relief"', "'kind'"),
        ("scale = 0.0001", "scale = 0", "'scale'"),
        ('bands = ["NDVI"]', "bands = []", "'bands'"),
        ('file = "territories.gpkg"', 'file = "land.gpkg"', "land.gpkg"),
        ('kinds = ["region", "commune"]', 'kinds = ["region", "canton"]', "canton"),
        ('attribution = "Nobody"', "attribution = Nobody", "TOML"),
    ],
)
def test_a_wrong_key_is_named(region, old, new, word):
    region.rewrite_toml(old, new)
    refused(region, RegionFolderError, word)


def test_a_folder_without_region_toml_is_refused(tmp_path):
    with pytest.raises(RegionFolderError, match=r"region\.toml: the file is missing"):
        read_region_folder(tmp_path)
    with pytest.raises(RegionFolderError, match="no such folder"):
        read_region_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("line", "column", "value", "words"),
    [
        (3, "code", "J2", ["line 5", "repeats", "'J2'", "line 3"]),
        (3, "code", "", ["line 3", "empty code"]),
        (4, "color", "green", ["line 4", "G1.7", "'green'", "#rrggbb"]),
        (5, "stake", "énorme", ["line 5", "'énorme'", "très fort"]),
        (3, "parent_code", "Z", ["line 3", "'Z'"]),
        (2, "parent_code", "E1.2", ["line 2", "own ancestor"]),
        (3, "label_fr", "", ["line 3", "label_fr"]),
    ],
)
def test_a_wrong_legend_row_is_named(region, line, column, value, words):
    region.rewrite_legend(line, column, value)
    refused(region, LegendError, "legend.csv", *words)


def test_a_legend_is_missing_empty_or_lacks_a_column(region):
    write_legend(region.path, [row[:-1] for row in LEGEND])
    refused(region, LegendError, "line 1", "stake")
    write_legend(region.path, LEGEND[:1])
    refused(region, LegendError, "no row")
    (region.path / "legend.csv").write_bytes("code;label_fr\nE;Forêt".encode("latin-1"))
    refused(region, LegendError, "UTF-8")
    (region.path / "legend.csv").unlink()
    refused(region, LegendError, "missing")


def test_a_legend_of_a_french_spreadsheet_is_read(region):
    text = "\n".join(";".join(row) for row in LEGEND)
    (region.path / "legend.csv").write_text(text, encoding="utf-8-sig")
    assert len(read_region_folder(region.path).legend) == 4


def rewrite_relief(region, *, shape=(1, HEIGHT, WIDTH), names=("elevation",), **options):
    path = region.path / "stack/2024/relief.tif"
    write_stack_file(path, np.zeros(shape, np.float32), list(names), **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"crs": "EPSG:32631"}, ["EPSG:32631", "2154"]),
        ({"transform": TRANSFORM @ TRANSFORM.translation(0.5, 0)}, ["shifted", "ndvi.tif"]),
        ({"shape": (1, HEIGHT, WIDTH - 1)}, ["59 x 50", "60 x 50"]),
        ({"nodata": None}, ["band 1", "no nodata"]),
        ({"nodata": 0}, ["nodata", "0.0", "-32768"]),
        ({"names": ("slope",)}, ["band 1", "'slope'", "elevation"]),
        ({"names": ("",)}, ["band 1", "no description"]),
    ],
)
def test_a_raster_off_the_stack_is_named(region, options, words):
    rewrite_relief(region, **options)
    refused(region, StackError, "relief.tif", *words)


def test_a_raster_that_is_missing_or_broken_is_named(region):
    relief = region.path / "stack/2024/relief.tif"
    relief.write_bytes(b"not a raster")
    refused(region, ComputeError, "relief.tif", "not readable")
    relief.unlink()
    refused(region, StackError, "relief.tif", "missing")


def test_a_band_of_a_series_is_called_by_its_date(region):
    names = [f"{date}_NDVI" for date in DATES]
    for wrong, word in (("20240310NDVI", "DATE_BAND"), ("2024-13-45_NDVI", "DATE_BAND"), (names[1], "repeats")):
        write_stack_file(
            region.path / "stack/2024/ndvi.tif", np.zeros((5, HEIGHT, WIDTH), np.int16), [wrong, *names[1:]]
        )
        refused(region, StackError, "ndvi.tif", word)


BOW_TIE = Polygon([(700_010, 6_299_900), (700_100, 6_299_800), (700_100, 6_299_900), (700_010, 6_299_800)])


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        (BOW_TIE, ["row 3", "crosses itself"]),
        (Polygon(), ["row 3", "empty"]),
        (LineString([(700_000, 6_299_900), (700_100, 6_299_900)]), ["row 3", "LineString"]),
    ],
)
def test_a_sample_drawn_wrong_is_named(region, geometry, words):
    samples = region.samples.copy()
    samples.loc[2, "geometry"] = geometry
    region.rewrite_samples(samples)
    refused(region, SampleError, "2024.gpkg", *words)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("code", "Z9", ["row 3", "'Z9'", "legend.csv"]),
        ("code", None, ["row 3", "no code"]),
        ("split", "validation", ["row 3", "'validation'"]),
        ("date", "yesterday", ["row 3", "'yesterday'"]),
    ],
)
def test_a_sample_described_wrong_is_named(region, column, value, words):
    samples = region.samples.copy()
    samples.loc[2, column] = value
    region.rewrite_samples(samples)
    refused(region, SampleError, "2024.gpkg", *words)


def test_samples_off_the_rasters_are_refused_or_noticed(region):
    samples = region.samples.copy()
    samples.loc[0, "geometry"] = Point(0, 0).buffer(20)
    region.rewrite_samples(samples)
    assert any("1 samples lie off" in notice for notice in check(region))
    region.rewrite_samples(samples.set_geometry(samples.geometry.translate(1e6, 0)))
    refused(region, SampleError, "no sample lies on the rasters")


def test_a_class_without_training_samples_is_noticed(region):
    samples = region.samples.copy()
    samples.loc[samples["code"] == "J2", "split"] = "test"
    region.rewrite_samples(samples)
    assert any("J2" in notice and "only to test" in notice for notice in check(region))
    region.rewrite_samples(samples[samples["code"] != "J2"])
    assert any("no sample of J2" in notice for notice in check(region))
    region.rewrite_samples(samples[samples["code"] == "G1.7"])
    refused(region, SampleError, "at least 2")


def test_samples_without_projection_or_column_are_refused(region):
    region.rewrite_samples(region.samples.drop(columns=["code"]))
    refused(region, SampleError, "no column 'code'", "split")
    region.samples_file.unlink()
    refused(region, RegionFolderError, "samples of 2024 are missing")


def test_territories_hang_on_wider_ones(region):
    import geopandas as gpd

    file = region.path / "territories.gpkg"
    communes = gpd.read_file(file, layer="commune")
    communes.loc[1, "parent_code"] = "X"
    communes.to_file(file, layer="commune")
    refused(region, RegionFolderError, "layer 'commune'", "row 2", "'X'")
    communes.loc[1, ["parent_code", "code"]] = ["R", "C1"]
    communes.to_file(file, layer="commune")
    refused(region, RegionFolderError, "row 2", "repeats the code 'C1'")
    communes.drop(columns=["name"]).to_file(file, layer="commune")
    refused(region, RegionFolderError, "lacks the columns name")


@pytest.mark.shared
@pytest.mark.parametrize("name", ["slovenia", "rachel_carson"])
def test_the_real_folders_are_sound(name):
    folder = read_region_folder(shared_path(f"data/regions/{name}"))
    assert len(check_region_folder(folder)) == 3
    assert {kind: len(frame) for kind, frame in read_territory_layers(folder).items()}["commune"] == 12
