import os
import subprocess
import sys
import urllib.request

import pytest

from bioccia.metrics_files import share_counts
from tests import factories


@pytest.mark.django_db
def test_requests_are_timed_by_the_name_of_their_address(client):
    vintage = factories.VintageFactory(published=True)
    client.get(f"/tiles/vintages/{vintage.pk}/13/1/1.mvt")
    client.get("/nowhere/at/all/")
    text = client.get("/metrics").content.decode()
    assert 'bioccia_request_seconds_count{status="204",view="habitats:tile"}' in text
    assert 'bioccia_request_seconds_count{status="404",view="none"}' in text
    assert "nowhere" not in text


@pytest.mark.django_db
def test_runs_are_counted_by_state(client):
    factories.RunFactory(running=True)
    factories.RunFactory(failed=True)
    text = client.get("/metrics").content.decode()
    for line in (
        'bioccia_runs{state="running"} 1.0',
        'bioccia_runs{state="failed"} 1.0',
        "bioccia_run_silence_seconds ",
    ):
        assert line in text


@pytest.mark.service
def test_a_process_of_the_web_server_answers_for_all(live_web):
    for _twice in range(2):
        urllib.request.urlopen(f"{live_web}/healthz").close()
    with urllib.request.urlopen(f"{live_web}/metrics") as answer:
        counts = [line for line in answer.read().decode().splitlines() if 'view="healthz"' in line and "_count" in line]
    assert float(counts[0].split()[-1]) >= 2


def test_the_counts_of_processes_that_ended_are_removed(tmp_path, monkeypatch):
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    gone, kept = tmp_path / f"histogram_{int(ended.stdout)}.db", tmp_path / f"histogram_{os.getpid()}.db"
    for file in (gone, kept):
        file.touch()
    share_counts(tmp_path)
    assert (gone.exists(), kept.exists()) == (False, True)
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR")
