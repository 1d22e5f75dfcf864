import pytest

from ml.compute.commands import simulate
from ml.compute.errors import RegionFolderError
from ml.compute.region import read_region_folder
from tests.ml.compute.commands.running import run_command


def test_a_region_is_written_and_then_grows_by_a_year(tmp_path):
    out = tmp_path / "region"
    answer = run_command(simulate, "--out", out, "--seed", 4, "--years", 2024, "--size-px", 100)
    assert answer["years"] == [2024]
    run_command(simulate, "--out", out, "--years", 2026, "--add-year", "--truth", tmp_path / "truth")

    folder = read_region_folder(out)
    assert (folder.years, folder.seed) == ((2024, 2026), 4)
    assert (tmp_path / "truth" / "truth_2026.tif").is_file()


def test_a_year_cannot_be_added_where_no_region_is(tmp_path):
    with pytest.raises(RegionFolderError, match="simulate a region there first"):
        run_command(simulate, "--out", tmp_path / "none", "--years", 2026, "--add-year")
