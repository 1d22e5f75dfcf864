"""Export and verification of a release from the console."""

import json
import subprocess

import pytest
from django.core.management import CommandError, call_command

from feedback.models import Release
from feedback.release_folders import folder_of
from feedback.states import ReleaseState
from ml.compute.publishing import verify
from tests.releases import published_release, ready_map

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def release(tmp_path, settings):
    settings.FILES_DIR = tmp_path / "files"
    return published_release(ready_map(tmp_path / "map"))


def test_a_release_is_exported_then_verified_by_anybody(release, tmp_path, capsys):
    for name, folder in (("2024.0", tmp_path / "one"), ("2024", tmp_path / "latest")):
        call_command("export_release", name, str(folder))
        answer = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert answer["content_sha256"] == release.content_sha256
        subprocess.run(["sha256sum", "-c", "--strict", "MANIFEST.sha256"], cwd=folder, check=True, capture_output=True)
        call_command("verify_release", str(folder))
        assert json.loads(capsys.readouterr().out)["verified"] is True


def test_a_fault_is_named_and_the_command_fails(release, tmp_path):
    folder = tmp_path / "copy"
    call_command("export_release", "2024.0", str(folder))
    (folder / verify.TILES).write_bytes(b"PMTiles")
    with pytest.raises(CommandError, match=r"habitats\.pmtiles: altered"):
        call_command("verify_release", str(folder))
    with pytest.raises(CommandError, match="copy"):
        call_command("export_release", "2024.0", str(folder))  # never over something


@pytest.mark.parametrize("name", ["2024.7", "2031", "2024.x", "../2024.0", ""])
def test_a_release_that_is_none_is_named(release, tmp_path, name):
    with pytest.raises(CommandError, match=r"(?i)release|publication"):
        call_command("export_release", name, str(tmp_path / "out"))


def test_what_was_withdrawn_or_lost_is_not_exported(release, tmp_path):
    path = folder_of(release) / verify.CARD
    path.rename(tmp_path / "card")
    with pytest.raises(CommandError, match=r"model_card\.html"):
        call_command("export_release", "2024.0", str(tmp_path / "out"))
    Release.objects.update(state=ReleaseState.WITHDRAWN, ended_reason="Une erreur de légende.")
    with pytest.raises(CommandError, match="Une erreur de légende"):
        call_command("export_release", "2024.0", str(tmp_path / "other"))
