"""The private Redis under `var/redis`, the broker of the tasks: a unix socket only, a queue that survives a kill."""

import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from bioccia.lifecycle import paths, processes
from bioccia.lifecycle.errors import LifecycleError

OLDEST_VERSION = 6
START_PATIENCE_SECONDS = 30.0


def program() -> str | None:
    """The server's program, or None when there is none of a usable version."""
    found = shutil.which("redis-server") or shutil.which("redis-server", path="/usr/bin:/usr/sbin:/usr/local/bin")
    if found is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"v=(\d+)", said)
    return found if version and int(version[1]) >= OLDEST_VERSION else None


def pid_file() -> Path:
    """The pid of the server we started."""
    return paths.redis_dir() / "server.pid"


def log_file() -> Path:
    """What the server says."""
    return paths.redis_dir() / "log" / "redis.log"


def is_running() -> bool:
    """Whether our server runs."""
    return processes.read_pid_file(pid_file()) is not None


def start() -> None:
    """Start the server if it does not run, and wait until it answers.

    Raises:
        LifecycleError: it is not installed, ends at once, or does not answer in time.
    """
    spawn()
    wait_ready()


def spawn() -> None:
    """Start the server without waiting."""
    if is_running():
        return
    server = program()
    if server is None:
        raise LifecycleError(
            f"Redis {OLDEST_VERSION} or newer is not installed: run `make setup` on Debian 12, install it elsewhere, "
            "or set REDIS_URL."
        )
    data = paths.redis_dir() / "data"
    data.mkdir(parents=True, exist_ok=True)
    make_socket_dir(paths.redis_socket().parent)
    options = {
        "port": "0",
        "unixsocket": str(paths.redis_socket()),
        "unixsocketperm": "700",
        "dir": str(data),
        # Every second to the disk: the queue outlives the process, and the dispatcher wakes what a power cut loses.
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    processes.spawn([server, *arguments], log=log_file(), pid_file=pid_file())


def make_socket_dir(folder: Path) -> None:
    """Make the folder of the socket, for us only (the server runs as we do, root or not)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def wait_ready() -> None:
    """Wait until the server answers; it reads its file first.

    Raises:
        LifecycleError: it ended, or does not answer in time.
    """
    processes.wait_until(lambda: answers() or not is_running(), START_PATIENCE_SECONDS)
    if not answers():
        raise LifecycleError(f"Redis does not answer: read {log_file()}.")


def answers() -> bool:
    """Whether the server takes commands."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(2)
            line.connect(str(paths.redis_socket()))
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def stop() -> None:
    """Stop the server; it writes its queue first."""
    mark = processes.read_pid_file(pid_file())
    if mark:
        processes.end_process(mark, signals=[(signal.SIGTERM, 15)])
    pid_file().unlink(missing_ok=True)
