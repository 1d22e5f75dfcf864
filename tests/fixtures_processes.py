"""Fixtures: a worker with its beat, and a web server, as their own processes on the test database."""

import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from bioccia.lifecycle import paths, processes

REPOSITORY = paths.REPOSITORY
PATIENCE_SECONDS = 60


class Program:
    """A process of the platform that a test may kill and start again."""

    def __init__(self, name: str, arguments: list[str], folder: Path) -> None:
        self.name = name
        self.arguments = [sys.executable, "-m", *arguments]
        self.log = folder / f"{name}.log"
        self.pid_file = folder / f"{name}.pid"
        self.mark: processes.ProcessMark | None = None

    def start(self) -> None:
        """Start it with the settings of the tests."""
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(REPOSITORY)}
        self.mark = processes.spawn(self.arguments, log=self.log, pid_file=self.pid_file, environment=environment)

    def keep(self) -> None:
        """Start it again where it ended, as the supervisor does: a worker whose broker dies may end."""
        if not self.mark.is_alive():
            self.start()

    def kill(self) -> None:
        """SIGKILL the whole group at once, children included."""
        processes.kill_group(self.mark.pid)
        processes.end_process(self.mark, signals=[])

    def kill_leader(self) -> None:
        """SIGKILL the parent only, as the kernel does when memory is short; then what it left."""
        os.kill(self.mark.pid, signal.SIGKILL)
        processes.end_process(self.mark, signals=[])

    def children(self) -> list[int]:
        """The processes it started: a worker's pool, for one."""
        listed = Path(f"/proc/{self.mark.pid}/task/{self.mark.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def stop(self) -> None:
        """Ask it to end, then make it."""
        processes.end_process(self.mark, signals=[(signal.SIGTERM, 8)])

    def said(self) -> str:
        """What it wrote so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_for(self, words: str) -> None:
        """Wait until it wrote some words."""
        _wait(lambda: words in self.said(), self)


def _wait(condition, *programs: Program) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        for program in programs:
            if not program.mark.is_alive():
                pytest.fail(f"{program.name} ended:\n{program.said()[-3000:]}")
        if time.monotonic() > deadline:
            pytest.fail("not in time:\n" + "\n".join(program.said()[-3000:] for program in programs))
        time.sleep(0.05)


@pytest.fixture
def worker(broker, transactional_db, tmp_path):
    """A Celery worker of two children, and its `beat`; `worker.kill()` and `worker.start()` at will."""
    worker = Program("worker", ["celery", "-A", "bioccia", "worker", "-c", "2", "--prefetch-multiplier", "1"], tmp_path)
    schedule = str(tmp_path / "beat-schedule")
    beat = Program("beat", ["celery", "-A", "bioccia", "beat", "--pidfile=", "--schedule", schedule], tmp_path)
    worker.arguments += ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    worker.beat = beat
    worker.start()
    beat.start()
    _wait(lambda: "ready." in worker.said(), worker, beat)
    yield worker
    beat.stop()
    worker.stop()


@pytest.fixture
def live_web_program(transactional_db, broker, tmp_path):
    """A real web server on the test database; `kill()` and `start()` at will, its `address` stays."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    web = Program("web", ["gunicorn", "bioccia.wsgi", "--bind", address, "--workers", "1", "--threads", "4"], tmp_path)
    web.start()
    web.address = f"http://{address}"
    _wait(lambda: answers(f"{web.address}/healthz"), web)
    yield web
    web.stop()


@pytest.fixture
def live_web(live_web_program):
    """The address of a real web server on the test database."""
    return live_web_program.address


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return line.getsockname()[1]


def answers(url: str) -> bool:
    """Whether a server answers, whatever it says."""
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
    return True
