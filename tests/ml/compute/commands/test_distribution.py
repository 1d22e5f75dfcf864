import numpy as np
import pandas as pd
import pytest
import rasterio

from ml.compute.commands import distribution
from ml.compute.errors import DistributionError
from tests.ml.compute.commands.running import run_command
from tests.ml.compute.rasters import LAMBERT_93, TEN_METRES


@pytest.fixture
def tables(tmp_path):
    random = np.random.default_rng(5)
    background = pd.DataFrame({"warmth": random.normal(10, 3, 400), "soil": random.integers(1, 4, 400)})
    presences = pd.DataFrame({"warmth": random.normal(6, 1, 40), "soil": 2, "observer": "someone"})
    background.to_csv(tmp_path / "background.csv", index=False)
    presences.to_parquet(tmp_path / "presences.parquet")
    return tmp_path


@pytest.fixture
def model(tables):
    words = ("fit", "--presences", tables / "presences.parquet", "--background", tables / "background.csv")
    answer = run_command(distribution, *words, "--categorical", "soil", "--out", tables / "species.model")
    assert answer["predictors"] == ["warmth", "soil"]
    assert "not a probability" in answer["output_is"]
    return tables / "species.model"


def test_a_table_gets_its_relative_suitability(model, tables):
    (tables / "places.csv").write_text("place,warmth,soil\ncool,6,2\nhot,16,1\n", encoding="utf-8")
    words = ("predict", "--model", model, "--table", tables / "places.csv", "--out", tables / "out.csv")
    assert run_command(distribution, *words)["rows"] == 2
    table = pd.read_csv(tables / "out.csv", index_col="place")
    assert table.loc["cool", "relative_suitability"] > 0.5 > table.loc["hot", "relative_suitability"]


def write_stack(path, names):
    layers = {"warmth": [[6, 16, -999]], "soil": [[2, 1, 2]]}
    profile = {"driver": "GTiff", "count": len(names), "height": 1, "width": 3, "dtype": "float32"}
    with rasterio.open(path, "w", crs=LAMBERT_93, transform=TEN_METRES, nodata=-999, **profile) as target:
        for band, name in enumerate(names, 1):
            target.write(np.array(layers[name], "float32"), band)
            target.set_band_description(band, name)
    return path


def test_rasters_are_matched_by_band_description(model, tables):
    stack = write_stack(tables / "stack.tif", ["soil", "warmth"])
    words = ("predict", "--model", model, "--stack", stack, "--out", tables / "map.tif")
    assert run_command(distribution, *words)["cells"] == 2
    with rasterio.open(tables / "map.tif") as result:
        cool, hot, gap = result.read(1)[0]
        assert "not a probability" in result.descriptions[0]
    assert cool > 50 > hot
    assert gap == 255


def test_a_stack_without_a_predictor_is_refused(model, tables):
    stack = write_stack(tables / "stack.tif", ["soil"])
    with pytest.raises(DistributionError, match=r"stack.tif: no band described 'warmth' \(bands: soil\)"):
        run_command(distribution, "predict", "--model", model, "--stack", stack, "--out", tables / "map.tif")
    assert not (tables / "map.tif").exists()


def test_a_predictor_missing_from_one_table_is_named(tables):
    words = ("fit", "--presences", tables / "presences.parquet", "--background", tables / "background.csv")
    with pytest.raises(DistributionError, match=r"background.csv: no column 'observer'"):
        run_command(distribution, *words, "--predictors", "warmth", "observer", "--out", tables / "m")
