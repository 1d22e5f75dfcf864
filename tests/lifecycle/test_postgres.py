"""A private cluster in a place of its own."""

import os
import shutil
import signal

import pytest

from bioccia.lifecycle import owner, postgres, processes, redis, services
from bioccia.lifecycle.errors import LifecycleError

pytestmark = pytest.mark.service


@pytest.fixture
def cluster(monkeypatch, tmp_path):
    monkeypatch.setenv("BIOCCIA_VAR", str(tmp_path / "var"))
    services.start(durable=False)
    yield tmp_path / "var"
    services.stop()


def test_a_new_cluster_speaks_postgis_and_sorts_as_french_does(cluster):
    assert postgres.ensure_database("aude") is True
    assert postgres.ensure_database("aude") is False
    sentence = "SELECT string_agg(name, ' ' ORDER BY name) FROM (VALUES ('Zinc'), ('Étang'), ('eau')) AS t(name)"
    assert postgres.ask("bioccia_aude", sentence) == "eau Étang Zinc"
    assert postgres.ask("bioccia_aude", "SELECT ST_AsText(ST_Point(1, 2))") == "POINT(1 2)"
    assert postgres.ask("bioccia_aude", "SHOW listen_addresses") == ""


def test_a_killed_server_starts_again_whatever_it_left(cluster):
    postgres.ensure_database("aude")
    postgres.ask("bioccia_aude", "CREATE TABLE kept AS SELECT 7 AS seven")
    os.kill(processes.read_pid_file(postgres.pid_file()).pid, signal.SIGKILL)
    processes.wait_until(lambda: not postgres.is_running(), 5)
    # As after a reboot: the number in the lock file is now that of another live process.
    lock = postgres.data_dir() / "postmaster.pid"
    lock.write_text(lock.read_text().replace(lock.read_text().split()[0], str(os.getppid()), 1))
    services.start(durable=False)
    assert postgres.ask("bioccia_aude", "SELECT seven FROM kept") == "7"


def test_a_half_made_cluster_is_made_again(monkeypatch, tmp_path):
    monkeypatch.setenv("BIOCCIA_VAR", str(tmp_path))
    (tmp_path / "postgres" / "data.new" / "base").mkdir(parents=True)
    postgres.make_cluster()
    assert (postgres.data_dir() / "PG_VERSION").exists()
    assert not (tmp_path / "postgres" / "data.new").exists()


def test_a_cluster_of_another_postgresql_is_refused_with_the_way_out(monkeypatch, tmp_path):
    monkeypatch.setenv("BIOCCIA_VAR", str(tmp_path))
    postgres.data_dir().mkdir(parents=True)
    (postgres.data_dir() / "PG_VERSION").write_text("9\n")
    with pytest.raises(LifecycleError, match=r"was made by PostgreSQL 9 and only PostgreSQL \d+ is here.*make clean"):
        postgres.make_cluster()


def test_a_server_that_cannot_start_tells_its_last_words(monkeypatch, tmp_path):
    monkeypatch.setenv("BIOCCIA_VAR", str(tmp_path))
    postgres.make_cluster()
    (postgres.data_dir() / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(LifecycleError, match=r"PostgreSQL does not answer: .*no_such_setting"):
        postgres.start()


def test_a_command_that_found_nothing_running_leaves_nothing_running(monkeypatch, tmp_path):
    monkeypatch.setenv("BIOCCIA_VAR", str(tmp_path / "var"))
    with services.borrowed():
        with services.borrowed():
            assert postgres.answers()
        assert postgres.answers(), "the first command still needs it"
        assert redis.answers()
    assert not postgres.is_running()
    assert not redis.is_running()


def test_a_command_leaves_running_what_it_found_running(cluster):
    with services.borrowed():
        assert postgres.answers()
    assert postgres.answers()


def test_the_queue_outlives_a_killed_broker(cluster):
    import redis as client

    address = f"unix://{cluster / 'redis' / 'run' / 'redis.sock'}"
    with client.Redis.from_url(address) as line:
        line.lpush("queue", "task")
    # What is appended within a second of a kill is in the kernel's hands already, and so not lost with the process.
    os.kill(processes.read_pid_file(redis.pid_file()).pid, signal.SIGKILL)
    processes.wait_until(lambda: not redis.is_running(), 5)
    services.start(durable=False)
    with client.Redis.from_url(address) as line:
        assert line.lrange("queue", 0, -1) == [b"task"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_where_the_kernel_refuses_namespaces_the_server_runs_as_the_debian_user(monkeypatch, tmp_path):
    monkeypatch.setenv("BIOCCIA_VAR", str(tmp_path / "var"))
    monkeypatch.setattr(owner, "way", lambda: "user")
    try:
        services.start(durable=False)
        assert postgres.ask("postgres", "SELECT 1") == "1"
    finally:
        services.stop()
        home = (tmp_path / "var" / "postgres").resolve()
        assert home.parent == owner.FALLBACK_HOME, "the folders of pytest are closed to others"
        shutil.rmtree(home)
