import os

import pytest

from bioccia.lifecycle import commands, environment


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ.pop("BIOCCIA_REGION", None)


@pytest.fixture
def region_folder(tmp_path):
    folder = tmp_path / "Val d'Aran"
    folder.mkdir()
    (folder / "region.toml").write_text('name = "Val d\'Aran"')
    return folder


def test_a_dotenv_file_gives_what_the_environment_lacks(tmp_path):
    file = tmp_path / ".env"
    file.write_text("# a comment\nBIND='0.0.0.0'\nexport PORT=9000\nnonsense\n")
    os.environ |= {"PORT": "8100"}
    os.environ.pop("BIND", None)
    environment.load_dotenv(file)
    assert (os.environ["BIND"], os.environ["PORT"]) == ("0.0.0.0", "8100")


@pytest.mark.parametrize("form", ["{}", "--folder={}"])
def test_the_folder_of_a_command_names_the_region(region_folder, form):
    commands.name_region(["import_region", "--verbosity", "1", form.format(region_folder)])
    assert os.environ["BIOCCIA_REGION"] == "val_d_aran"


def test_the_environment_names_the_region_before_the_folder_does(region_folder):
    os.environ["BIOCCIA_REGION"] = "aran"
    commands.name_region(["run_year", str(region_folder)])
    assert os.environ["BIOCCIA_REGION"] == "aran"


def test_a_folder_without_region_toml_names_nothing(tmp_path):
    commands.name_region(["run_year", str(tmp_path)])
    assert "BIOCCIA_REGION" not in os.environ


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["migrate"], True),
        (["run_year", "DIR"], True),
        (["run_year", "--help"], False),
        (["collectstatic"], False),
        ([], False),
    ],
)
def test_only_commands_that_read_tables_start_the_database(arguments, needed):
    os.environ["DATABASE_URL"] = ""
    assert commands.needs_database(arguments) is needed


def test_no_private_database_is_started_beside_another_one():
    os.environ["DATABASE_URL"] = "postgis://somewhere/bioccia"
    assert commands.needs_database(["migrate"]) is False
