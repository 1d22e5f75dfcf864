import json
import subprocess

import pytest

from bioccia.lifecycle import check_files


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\ndependencies = ["Django>=5.2"]\n[project.optional-dependencies]\ndev = ["pytest"]\n'
    )
    (tmp_path / "requirements.lock").write_text("django==5.2.1 \\\n    --hash=sha256:00\n")
    (tmp_path / "requirements-dev.lock").write_text("django==5.2.1 \\\npytest==9.0 \\\n")
    (tmp_path / "package.json").write_text(json.dumps({"dependencies": {"bootstrap": "^5"}}))
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": {"": {"dependencies": {"bootstrap": "^5"}}}}))
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def test_lock_files_in_step_pass(repository):
    assert check_files.find_stale_locks(repository) == ""


def test_a_requirement_without_pin_is_named(repository):
    (repository / "requirements-dev.lock").write_text("django==5.2.1 \\\n")
    assert "requirements-dev.lock: pytest has no pin" in check_files.find_stale_locks(repository)


def test_a_pin_that_pyproject_refuses_is_named(repository):
    (repository / "requirements.lock").write_text("django==4.2 \\\n")
    found = check_files.find_stale_locks(repository)
    assert "Django is pinned at 4.2, and pyproject.toml asks >=5.2" in found
    assert "django is 5.2.1, and 4.2 in requirements.lock" in found


def test_an_npm_lock_of_another_package_file_is_named(repository):
    (repository / "package.json").write_text(json.dumps({"dependencies": {"bootstrap": "^6"}}))
    assert "package-lock.json: dependencies are not those of package.json" in check_files.find_stale_locks(repository)


def test_an_address_of_a_registry_is_found(repository):
    (repository / "settings.py").write_text(f"INDEX = 'https://{check_files.REGISTRIES[0]}/simple'")
    (repository / "package-lock.json").write_text('{"resolved": "https://mirror.example.org/x.tgz"}')
    found = check_files.find_registry_hosts(repository)
    assert "settings.py names" in found
    assert "package-lock.json holds an address" in found
