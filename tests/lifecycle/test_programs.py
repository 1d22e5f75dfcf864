import sys

import pytest

from bioccia.lifecycle import programs
from bioccia.lifecycle.errors import LifecycleError


@pytest.fixture(autouse=True)
def own_var(monkeypatch, tmp_path):
    monkeypatch.setenv("BIOCCIA_VAR", str(tmp_path))


def test_a_failing_program_tells_its_last_words_and_where_the_rest_is(tmp_path):
    with pytest.raises(
        LifecycleError, match=r"npm packages fails: one two. Everything it said is in .*npm-packages.log"
    ):
        programs.run("npm packages", [sys.executable, "-c", "print('zero\\none\\ntwo'); raise SystemExit(3)"])
    assert (tmp_path / "log" / "npm-packages.log").read_text().splitlines() == ["zero", "one", "two"]


def test_a_missing_program_is_named():
    with pytest.raises(LifecycleError, match="the program no-such-program is missing"):
        programs.run("Bundles", ["no-such-program"])


@pytest.mark.parametrize(
    ("said", "archive"),
    [
        (
            "ERROR: Could not find... Name or service not known\nNo matching distribution found for uv==0.13.8",
            "uv==0.13.8",
        ),
        ("error: Failed to download `numpy==2.4.6`\n  Caused by: dns error", "numpy==2.4.6"),
        ("E: Failed to fetch http://host/pool/main/r/redis_7.0.deb  Temporary failure resolving 'host'", ""),
        ("npm error code EAI_AGAIN\nnpm error request to https://host/esbuild failed, reason", "esbuild"),
    ],
)
def test_no_network_is_said_with_the_archive_that_is_missing(said, archive):
    sentence = programs.explain("Packages", said)
    assert "there is no network" in sentence
    assert archive in sentence


def test_a_failure_of_another_kind_is_not_taken_for_the_network():
    sentence = programs.explain("Gathering sentences", "Traceback\nModuleNotFoundError: No module named 'x'")
    assert sentence == "Gathering sentences fails: Traceback ModuleNotFoundError: No module named 'x'."


def test_a_full_disk_is_said():
    assert "the disk is full" in programs.explain("Packages", "write error: No space left on device")
