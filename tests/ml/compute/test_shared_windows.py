import json
import os

import boto3
import pytest
from moto.server import ThreadedMotoServer

from ml.compute import classify
from ml.compute.__main__ import main
from ml.compute.classify import ClassifyOutputs, classify_stack
from ml.compute.errors import ComputeError, StoreError
from ml.compute.samples import read_sample_file
from ml.compute.shared_store import SharedFolder
from ml.compute.shared_windows import SharedJob, classify_chunk, finished_chunks, merge_chunks, windows_of_chunk
from ml.compute.training import save_model, train_model
from tests.ml.compute.tiny_regions import write_tiny_region

CHUNKS = 3


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    return write_tiny_region(tmp_path_factory.mktemp("shared") / "tiny")


@pytest.fixture(scope="module")
def model_path(region):
    path = region.path / "model"
    save_model(train_model(region.stack, read_sample_file(region.samples_file, field="code")), path)
    return path


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    monkeypatch.setattr(classify, "WINDOW", 16)


@pytest.fixture(scope="module")
def bucket():
    """A bucket of a small S3 server on this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    _host, port = server.get_host_and_port()
    told = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    boto3.client("s3").create_bucket(Bucket="maps")
    yield "s3://maps/windows"
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})
    server.stop()


def outputs_in(folder):
    return ClassifyOutputs(folder / "classes.tif", folder / "confidence.tif", folder / "runner_ups.tif")


def job_in(folder, region, model_path, url=None, *, machine="one"):
    url = url or str(folder / "shared")
    return SharedJob(tuple(region.stack), model_path, outputs_in(folder / "map"), url, CHUNKS, folder / machine)


def bytes_in(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.tif"))}


def alone(folder, region, model_path):
    classify_stack(region.stack, model_path, outputs_in(folder))
    return bytes_in(folder)


def test_chunks_hold_each_window_once():
    for windows, chunks in ((10, 3), (2, 5), (7, 7), (1, 1)):
        dealt = [place for chunk in range(chunks) for place in windows_of_chunk(chunk, chunks, windows)]
        assert dealt == list(range(windows))


@pytest.mark.parametrize("store", ["path", "s3"])
def test_machines_that_share_make_the_bytes_of_one_alone(store, region, model_path, tmp_path, request):
    url = request.getfixturevalue("bucket") if store == "s3" else None
    one = job_in(tmp_path, region, model_path, url, machine="one")
    other = job_in(tmp_path, region, model_path, url, machine="other")
    assert [classify_chunk(one, 0), classify_chunk(other, 2), classify_chunk(one, 1)] == [True] * 3
    assert classify_chunk(other, 1) is False
    assert finished_chunks(one) == {0, 1, 2}
    counts = merge_chunks(other)
    assert counts["windows_resumed"] == counts["windows"]
    assert bytes_in(tmp_path / "map") == alone(tmp_path / "alone", region, model_path)
    assert finished_chunks(one) == set()
    assert not list((tmp_path / "one").iterdir())


def test_a_chunk_that_was_cut_short_resumes(region, model_path, tmp_path):
    job = job_in(tmp_path, region, model_path)

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        classify_chunk(job, 0, progress=stop)
    assert finished_chunks(job) == set()
    seen = []
    classify_chunk(job, 0, progress=lambda done, _total: seen.append(done))
    assert seen[0] >= 2


def test_a_chunk_of_another_model_does_not_count(region, model_path, tmp_path):
    job = job_in(tmp_path, region, model_path)
    classify_chunk(job, 0)
    copy = tmp_path / "other-model"
    save_model(train_model(region.stack, read_sample_file(region.samples_file, field="code").iloc[:-2]), copy)
    assert finished_chunks(job_in(tmp_path, region, copy)) == set()
    assert finished_chunks(job_in(tmp_path, region, model_path)) == {0}


def test_a_missing_or_damaged_chunk_is_named_and_the_map_untouched(region, model_path, tmp_path):
    job = job_in(tmp_path, region, model_path)
    (tmp_path / "map").mkdir()
    (tmp_path / "map" / "classes.tif").write_bytes(b"earlier")
    for chunk in (0, 2):
        classify_chunk(job, chunk)
    with pytest.raises(StoreError, match=r"1 of 3 chunks are missing, first 1"):
        merge_chunks(job)
    classify_chunk(job, 1)
    archive = next((tmp_path / "shared").rglob("chunk-00001*.zip"))
    archive.write_bytes(archive.read_bytes()[:-9])
    with pytest.raises(StoreError, match=r"chunk-00001-of-00003.zip: not the file that was put there"):
        merge_chunks(job)
    assert (tmp_path / "map" / "classes.tif").read_bytes() == b"earlier"
    with pytest.raises(StoreError, match="numbered from 0 to 2"):
        classify_chunk(job, 3)


def test_a_store_that_does_not_answer_is_named(region, model_path, tmp_path, bucket):
    with pytest.raises(StoreError, match="nothing-here"):
        SharedFolder("s3://nothing-here/windows").put(model_path, "model")
    with pytest.raises(StoreError, match="shared storage"):
        SharedFolder("teapot://x").names()
    (tmp_path / "file").write_text("no folder")
    with pytest.raises((StoreError, ComputeError), match="shared storage"):
        classify_chunk(job_in(tmp_path, region, model_path, str(tmp_path / "file")), 0)
    with pytest.raises(StoreError, match="none"):
        SharedFolder(str(tmp_path)).take("none", tmp_path / "copy")


def test_the_command_maps_chunks_and_merges(region, model_path, tmp_path, capsys):
    words = ["share", "--stack", *map(str, region.stack), "--model", str(model_path), "--chunks", "2"]
    words += [
        "--shared",
        str(tmp_path / "s"),
        "--work-dir",
        str(tmp_path / "w"),
        "--out",
        str(tmp_path / "classes.tif"),
    ]
    for chunk in "01":
        assert main([*words, "--chunk", chunk]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["finished"] == 2
    assert main([*words, "--merge"]) == 0
    classify_stack(region.stack, model_path, ClassifyOutputs(tmp_path / "alone.tif"))
    assert (tmp_path / "classes.tif").read_bytes() == (tmp_path / "alone.tif").read_bytes()
