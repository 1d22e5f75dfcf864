import pytest

from bioccia.lifecycle import run
from bioccia.lifecycle.errors import LifecycleError


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(LifecycleError, match=f"PORT={port} is not a port"):
        run.read_options(port=port, region="", detach="")


def test_a_region_that_is_no_folder_is_refused(tmp_path):
    with pytest.raises(LifecycleError, match="is not a folder: give the path of a region folder"):
        run.read_options(port="8000", region=str(tmp_path / "nowhere"), detach="")


def test_a_folder_without_region_toml_is_refused(tmp_path):
    with pytest.raises(LifecycleError, match=r"has no region\.toml"):
        run.read_options(port="8000", region=str(tmp_path), detach="")


def test_a_region_folder_names_its_database_and_files(tmp_path):
    (tmp_path / "region.toml").write_text("")
    options = run.read_options(port="8137", region=str(tmp_path), detach="1")
    assert options.detach
    assert options.region == tmp_path.name
    assert options.url == "http://127.0.0.1:8137"
