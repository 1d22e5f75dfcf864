import pytest

from bioccia.lifecycle import debian, layout, stop
from bioccia.lifecycle.errors import LifecycleError


@pytest.fixture
def var(monkeypatch, tmp_path):
    folder = tmp_path / "var"
    monkeypatch.setenv("BIOCCIA_VAR", str(folder))
    return folder


def test_a_new_folder_is_marked_and_known_again(var):
    layout.check()
    layout.check()
    assert (var / "VERSION").read_text() == f"{layout.VERSION}\n"


def test_a_folder_of_another_version_says_how_to_go_on(var):
    var.mkdir()
    (var / "VERSION").write_text("0\n")
    with pytest.raises(LifecycleError, match=r"another version of bioccia \(layout 0, this one is 1\).*make clean"):
        layout.check()


def test_clean_removes_what_we_made(var):
    layout.check()
    stop.clean()
    assert not var.exists()
    stop.clean()


def test_clean_leaves_a_folder_that_is_not_ours(var):
    var.mkdir()
    (var / "thesis.odt").write_text("years of work")
    with pytest.raises(LifecycleError, match="remove it yourself"):
        stop.clean()
    assert (var / "thesis.odt").exists()


def test_a_nearly_full_disk_is_said_before_anything_is_made(var, monkeypatch):
    monkeypatch.setattr(debian, "LEAST_FREE_GIGABYTES", 1e9)
    with pytest.raises(LifecycleError, match=r"GB free and the platform needs about .* set BIOCCIA_VAR"):
        debian.check_disk(var)
