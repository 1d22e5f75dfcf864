import os
import signal
import sys
from pathlib import Path

import pytest

from bioccia.lifecycle import processes
from bioccia.lifecycle.errors import LifecycleError

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
# A child in the same group, and a parent that leaves SIGTERM without effect.
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); print('up', flush=True); time.sleep(60)",
]


@pytest.fixture
def started(tmp_path):
    marks = []

    def start(arguments):
        log, pid_file = tmp_path / "log", tmp_path / "pid"
        mark = processes.spawn(arguments, log=log, pid_file=pid_file)
        marks.append(mark)
        assert processes.wait_until(lambda: "up" in log.read_text(), 20)
        return mark, pid_file

    yield start
    for mark in marks:
        processes.end_process(mark, signals=[])


def test_a_pid_file_names_the_process_as_long_as_it_lives(started):
    mark, pid_file = started(SLEEPER)
    assert processes.read_pid_file(pid_file) == mark
    processes.end_process(mark, signals=[(signal.SIGTERM, 5)])
    assert processes.read_pid_file(pid_file) is None


def test_a_recycled_pid_is_not_taken_for_ours(tmp_path):
    file = tmp_path / "pid"
    file.write_text(f"{os.getpid()} 1\n")
    assert processes.read_pid_file(file) is None


@pytest.mark.parametrize("text", ["", "12", "a b", "999999999 5"])
def test_a_damaged_or_stale_pid_file_names_nobody(tmp_path, text):
    file = tmp_path / "pid"
    file.write_text(text)
    assert processes.read_pid_file(file) is None


def test_a_process_deaf_to_sigterm_is_ended_with_its_children(started):
    mark, _ = started(STUBBORN)
    processes.end_process(mark, signals=[(signal.SIGTERM, 0.2)])
    assert not mark.is_alive()
    assert processes.wait_until(lambda: not living_members(mark.pid), 5)


def test_children_of_a_killed_parent_are_ended_through_its_pid_file(started, monkeypatch, tmp_path):
    monkeypatch.setenv("BIOCCIA_VAR", str(tmp_path))
    mark, pid_file = started(STUBBORN)
    os.kill(mark.pid, signal.SIGKILL)
    processes.wait_end(mark, 5)
    processes.end_noted(pid_file, signals=[])
    assert processes.wait_until(lambda: not living_members(mark.pid), 5)
    assert not pid_file.exists()


def living_members(group):
    pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _group_of(entry) == str(group)]
    return [pid for pid in pids if processes.start_ticks(pid) is not None]


def _group_of(entry):
    try:
        return (entry / "stat").read_text().rpartition(")")[2].split()[2]
    except OSError:
        return None


def test_a_missing_program_is_a_sentence(tmp_path):
    with pytest.raises(LifecycleError, match="nowhere-to-be-found is missing: run `make setup`"):
        processes.spawn(["nowhere-to-be-found"], log=tmp_path / "log", pid_file=tmp_path / "pid")
