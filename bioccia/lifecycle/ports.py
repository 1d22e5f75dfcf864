"""A port in use: who has it, in a sentence."""

import contextlib
import errno
import socket
from pathlib import Path

from bioccia.lifecycle import processes
from bioccia.lifecycle.errors import LifecycleError

_LISTENING = "0A"


def check_free(host: str, port: int) -> None:
    """Make sure that the web server may listen.

    Raises:
        LifecycleError: the port is taken, forbidden, or the address is not this machine's.
    """
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            line.bind((host, port))
        except OSError as error:
            raise LifecycleError(_explain(host, port, error)) from error


def _explain(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is taken by {_holder(port)}: stop it, or choose another port with `make run PORT={port + 1}`."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved to root: choose one above 1023, such as `make run PORT=8000`."
    return f"The web server cannot listen on {host}:{port} ({error.strerror}): check BIND and PORT."


def _holder(port: int) -> str:
    inodes = _listening_inodes(port)
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if str(descriptor.readlink()) in inodes:
                pid = int(descriptor.parts[2])
                return f"process {pid} ({processes.command_line(pid)[:80]})"
    return "another program"


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        with contextlib.suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    return inodes
