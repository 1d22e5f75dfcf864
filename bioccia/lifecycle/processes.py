"""Start, recognise and end processes by pid files that no recycled pid can fool (Linux: they read /proc)."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bioccia.lifecycle import paths
from bioccia.lifecycle.errors import LifecycleError

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class ProcessMark:
    """A process and the moment it started, in clock ticks since boot: together they are never reused."""

    pid: int
    started: int

    def is_alive(self) -> bool:
        """Whether this very process still runs (a zombie has ended)."""
        return start_ticks(self.pid) == self.started


def start_ticks(pid: int) -> int | None:
    """The moment a process started, in clock ticks since boot; None when it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The second field, the name, may hold spaces and parentheses: read after the last one.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def command_line(pid: int) -> str:
    """What a person calls this process; empty when it has ended or is not ours to see."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def write_pid_file(file: Path, pid: int) -> None:
    """Note a process aside, then rename: a reader never sees half a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    aside.write_text(f"{pid} {start_ticks(pid) or 0}\n")
    aside.replace(file)


def read_pid_file(file: Path) -> ProcessMark | None:
    """The live process a pid file names; None when there is none, whatever the file says."""
    try:
        pid, started = file.read_text().split()
        mark = ProcessMark(int(pid), int(started))
    except (OSError, ValueError):
        return None
    return mark if mark.is_alive() else None


def spawn(
    arguments: Sequence[str | Path], *, log: Path, pid_file: Path, environment: Mapping[str, str] | None = None
) -> ProcessMark:
    """Start a process of its own session, its words appended to a log, its pid noted; it may outlive us.

    Args:
        arguments: the program and its arguments.
        log: the file that receives both outputs; opened for appending, so that a rotation may truncate it.
        pid_file: where its pid and start are written.
        environment: its whole environment; that of this process by default.

    Raises:
        LifecycleError: there is no such program.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [str(argument) for argument in arguments]
    outputs = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    try:
        pid = os.posix_spawnp(words[0], words, environment or os.environ, file_actions=outputs, setsid=True)
    except FileNotFoundError as error:
        raise LifecycleError(f"The program {words[0]} is missing: run `make setup`.") from error
    write_pid_file(pid_file, pid)
    return ProcessMark(pid, start_ticks(pid) or 0)


def reap_children() -> None:
    """Collect the children that ended, so that they don't stay as zombies."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def wait_until(condition: Callable[[], bool], seconds: float, *, every: float = POLL_SECONDS) -> bool:
    """Wait for a condition, and say whether it came in time.

    Args:
        condition: asked again and again.
        seconds: the patience.
        every: the pause between two questions, in seconds.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def wait_end(mark: ProcessMark, seconds: float) -> bool:
    """Wait for a process to end, and say whether it did in time."""
    return wait_until(lambda: _has_ended(mark), seconds)


def end_process(mark: ProcessMark, *, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """End a process: each signal in turn with its patience in seconds, then SIGKILL to its whole group.

    Args:
        mark: the process, which leads its own group (see `spawn`).
        signals: what to send, and how long to wait for the end after each.
    """
    for number, patience in signals:
        if not mark.is_alive():
            break
        with contextlib.suppress(ProcessLookupError):
            os.kill(mark.pid, number)
        wait_end(mark, patience)
    kill_group(mark.pid)
    wait_end(mark, 5)


def end_noted(pid_file: Path, *, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """End the process a pid file names, and what is left of its group when it has already ended; remove the file.

    Args:
        pid_file: as `spawn` wrote it; it may be absent or stale.
        signals: as `end_process` takes them.
    """
    mark = read_pid_file(pid_file)
    if mark:
        end_process(mark, signals=signals)
    elif pid_file.exists():
        _kill_orphans(pid_file)
    pid_file.unlink(missing_ok=True)


def _kill_orphans(pid_file: Path) -> None:
    """SIGKILL the children of a leader that was killed: they keep its number as their group's, and our environment."""
    leader = pid_file.read_text().partition(" ")[0]
    ours = f"BIOCCIA_VAR={paths.var_dir()}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            group = (entry / "stat").read_text().rpartition(")")[2].split()[2]
            if group == leader and ours in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)


def kill_group(leader: int) -> None:
    """SIGKILL what is left of a group whose leader we started: children of a killed worker, for one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _has_ended(mark: ProcessMark) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(mark.pid, os.WNOHANG)
    return not mark.is_alive()
