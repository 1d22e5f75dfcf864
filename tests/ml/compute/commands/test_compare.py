import pandas as pd
import pytest
import rasterio

from ml.compute.commands import compare
from tests.ml.compute.commands.running import run_command
from tests.ml.compute.rasters import shared_path, write_class_map


def test_what_changed_is_written_and_summed_up(tmp_path):
    before = write_class_map(tmp_path / "a.tif", [[1, 1, 2], [2, 2, 0]], codes={1: "E1.2", 2: "G1.7"})
    after = write_class_map(tmp_path / "b.tif", [[1, 2, 2], [2, 0, 1]], codes={1: "E1.2", 2: "G1.7"})
    answer = run_command(compare, before, after, "--out", tmp_path / "change.tif", "--table", tmp_path / "t.csv")
    assert (answer["cells"], answer["cells_changed"], answer["area_changed_ha"]) == (4, 1, 0.01)
    table = pd.read_csv(tmp_path / "t.csv")
    assert list(table.columns) == ["from_class", "to_class", "cells", "area_m2"]
    assert len(table) == 3


@pytest.mark.shared
def test_two_real_years_are_compared_cell_by_cell(tmp_path):
    before, after = (shared_path(f"data/annual_maps/gran_paradiso_habitat_{year}.tif") for year in (2022, 2023))
    answer = run_command(compare, before, after, "--out", tmp_path / "change.tif", "--table", tmp_path / "t.csv")
    with rasterio.open(before) as earlier, rasterio.open(after) as later, rasterio.open(answer["out"]) as change:
        first, second, both = earlier.read(1), later.read(1), change.read(1)
    known = (first > 0) & (second > 0)
    assert answer["cells"] == known.sum()
    assert answer["cells_changed"] == (known & (first != second)).sum()
    assert ((both // 65536)[known] == first[known]).all()
    assert (both[~known] == 0).all()
