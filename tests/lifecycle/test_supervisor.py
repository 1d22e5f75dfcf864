"""The whole platform under its supervisor, in a `var/` of its own: what is killed comes back."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from bioccia.lifecycle import paths, processes, supervisor
from tests.fixtures_processes import free_port

PATIENCE_SECONDS = 60
PARTS = ("postgres", "redis", "worker", "beat", "web")

pytestmark = [pytest.mark.service, pytest.mark.slow]


class Platform:
    """A region served from a temporary `var/`, driven through the command line as `make` does."""

    def __init__(self, var):
        self.var = var
        self.region = "tried"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        left_out = {"DJANGO_SETTINGS_MODULE", "BIOCCIA_TEST_PLACE", "TEST_DATABASE", "DATABASE_URL", "REDIS_URL"}
        self.environment = {key: value for key, value in os.environ.items() if key not in left_out}
        self.environment |= {"BIOCCIA_VAR": str(var), "BIOCCIA_REGION": self.region}

    def command(self, *arguments):
        """Run one command of the lifecycle or of Django to its end."""
        answer = subprocess.run(
            [sys.executable, *arguments],
            cwd=paths.REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def start(self):
        """Start the supervisor and wait until the platform says it is ready."""
        self.command("-m", "bioccia.lifecycle", "services")
        self.command("manage.py", "migrate", "-v", "0")
        processes.spawn(
            [sys.executable, "-m", "bioccia.lifecycle.supervisor", self.region, "--port", str(self.port)],
            log=self.var / self.region / "log" / "supervisor.log",
            pid_file=self.pid_file("supervisor"),
            environment={**self.environment, "PYTHONPATH": str(paths.REPOSITORY)},
        )
        self.wait_ready()

    def pid_file(self, name):
        if name in {"postgres", "redis"}:
            return self.var / name / "server.pid"
        return self.var / self.region / "run" / f"{name}.pid"

    def mark(self, name):
        return processes.read_pid_file(self.pid_file(name))

    def ready(self):
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return set(json.load(answer).values()) == {"ok"}
        except OSError:
            return False

    def wait_ready(self):
        assert processes.wait_until(self.ready, PATIENCE_SECONDS, every=0.4), self.logs()

    def logs(self):
        files = [*self.var.glob("*/log/*.log")]
        return "\n".join(f"== {file}\n{file.read_text(errors='replace')[-1500:]}" for file in files)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    platform = Platform(tmp_path_factory.mktemp("var"))
    yield platform
    platform.command("-m", "bioccia.lifecycle", "stop")


@pytest.fixture
def platform(place):
    """The platform, ready: started when an earlier test has stopped it."""
    if not place.mark("supervisor"):
        place.start()
    place.wait_ready()
    return place


@pytest.mark.parametrize("name", PARTS)
def test_a_killed_part_comes_back_and_the_platform_is_ready_again(platform, name):
    before = platform.mark(name)
    os.kill(before.pid, signal.SIGKILL)
    came_back = processes.wait_until(lambda: platform.mark(name) not in (None, before), PATIENCE_SECONDS)
    assert came_back, platform.logs()
    platform.wait_ready()


def test_a_new_supervisor_takes_over_from_a_killed_one(platform):
    before = {name: platform.mark(name) for name in PARTS}
    os.kill(platform.mark("supervisor").pid, signal.SIGKILL)
    platform.start()
    programs = ("worker", "beat", "web")
    replaced = processes.wait_until(
        lambda: all(platform.mark(name) not in (None, before[name]) for name in programs), PATIENCE_SECONDS
    )
    assert replaced, platform.logs()
    assert [name for name in programs if before[name].is_alive()] == []
    assert platform.mark("postgres") == before["postgres"], "the database server is found, not started twice"
    platform.wait_ready()


def test_stop_ends_everything_and_says_what(platform):
    marks = [platform.mark(name) for name in ("supervisor", *PARTS)]
    assert "Stopped: tried." in platform.command("-m", "bioccia.lifecycle", "stop")
    assert [mark for mark in marks if mark.is_alive()] == []
    assert not platform.ready()
    assert "No run of this folder was under way." in platform.command("-m", "bioccia.lifecycle", "stop")


def test_logs_are_turned_when_they_grow_large(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "LARGEST_LOG_BYTES", 10)
    log = tmp_path / "web.log"
    with log.open("a") as stream:  # as a part holds it
        for text in ("first of many", "second of many"):
            stream.write(text)
            stream.flush()
            supervisor.turn_logs([log])
        stream.write("last")
    assert log.read_text() == "last"
    assert [(tmp_path / f"web.log.{n}").read_text() for n in (1, 2)] == ["second of many", "first of many"]
