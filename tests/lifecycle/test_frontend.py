import os
import shutil
import subprocess

import pytest

from bioccia.lifecycle import frontend, paths


@pytest.fixture
def bundle(tmp_path):
    """Bundle a folder of scripts and sheets with the project's own build; the names of what comes out."""
    (tmp_path / "frontend" / "build").mkdir(parents=True)
    shutil.copy(paths.REPOSITORY / "frontend" / "build" / "bundle.js", tmp_path / "frontend" / "build")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "node_modules").symlink_to(frontend.NODE_MODULES)

    def run(**files):
        for name, text in files.items():
            (tmp_path / "frontend" / name.replace("_", ".")).write_text(text)
        node = ["node", "frontend/build/bundle.js"]
        answer = subprocess.run(
            node, cwd=tmp_path, env=frontend.node_environment(), capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, answer.stderr
        made = tmp_path / "static" / "bundle"
        return {file.name: file.read_text() for file in made.iterdir()} if made.exists() else {}

    return run


def test_a_folder_without_scripts_builds_nothing(bundle):
    assert bundle() == {}


def test_each_script_and_sheet_becomes_a_bundle_and_old_ones_leave(bundle):
    made = bundle(map_js="document.title = `a ${1 + 1}`;", site_css="body { color: #ff0000 }")
    assert made.keys() == {"map.js", "site.css"}
    assert "color:red" in made["site.css"]
    assert "body" not in made["map.js"]


def test_node_comes_from_the_virtual_environment_where_the_system_has_none(monkeypatch):
    monkeypatch.setattr(frontend, "system_node_serves", lambda: False)
    asked = []
    monkeypatch.setattr(frontend.python_packages, "install", asked.append)
    path = frontend.node_environment()["PATH"]
    assert path.split(os.pathsep)[0] == str(paths.REPOSITORY / ".venv" / "bin")
    assert asked == [frontend.python_packages.NODE_LOCK]
