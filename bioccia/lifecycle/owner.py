"""Who owns the private cluster: PostgreSQL refuses to run as root, and people clone as root in containers.

As root the server runs in a user namespace where it sees itself as user 1000 while the files stay root's. Where the
kernel refuses that, it runs as the `postgres` user of the Debian package, in a folder that user can reach.
"""

import functools
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bioccia.lifecycle.errors import LifecycleError

FALLBACK_USER = "postgres"
FALLBACK_HOME = Path("/var/lib")
_IN_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


@functools.cache
def way() -> str:
    """How the server can run here: `self`, `namespace` or `user`.

    Raises:
        LifecycleError: we are root and neither way works.
    """
    if os.geteuid() != 0:
        return "self"
    if shutil.which("unshare") and _succeeds([*_IN_NAMESPACE, "true"]):
        return "namespace"
    if shutil.which("runuser") and _succeeds(["runuser", "-u", FALLBACK_USER, "--", "true"]):
        return "user"
    raise LifecycleError(
        "PostgreSQL does not run as root, and this machine allows neither `unshare --user` nor "
        f"`runuser -u {FALLBACK_USER}`: run make as an ordinary user, or set DATABASE_URL."
    )


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def as_owner(arguments: Sequence[str | Path]) -> list[str]:
    """A command turned so that it runs as the cluster's owner; it keeps its pid."""
    plain = [str(argument) for argument in arguments]
    if way() == "namespace":
        return [*_IN_NAMESPACE, *plain]
    if way() == "user":
        # setpriv replaces itself by the program, where runuser would stay as a parent that swallows signals.
        entry = pwd.getpwnam(FALLBACK_USER)
        return [
            "env",
            "--chdir=/",
            "setpriv",
            f"--reuid={entry.pw_uid}",
            f"--regid={entry.pw_gid}",
            "--clear-groups",
            *plain,
        ]
    return plain


def run(arguments: Sequence[str | Path]) -> None:
    """Run a command as the cluster's owner.

    Raises:
        LifecycleError: it fails; its last words are in the message.
    """
    answer = subprocess.run(
        as_owner(arguments), capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    if answer.returncode:
        words = " ".join((answer.stderr or answer.stdout).strip().splitlines()[-3:])
        raise LifecycleError(f"{Path(arguments[0]).name} fails: {words}")


def make_data_dir(folder: Path) -> Path:
    """Make the folder that holds the cluster, reachable and writable by its owner.

    When the owner is another user who cannot reach it (a clone under /root), the folder becomes a link to one under
    /var/lib named after a hash of its path.

    Returns:
        The folder, by a path its owner can follow.
    """
    if way() != "user":
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        _make_for_fallback_user(folder)
    return folder.resolve()


def _make_for_fallback_user(folder: Path) -> None:
    if _traversable(folder.parent):
        home = folder
    else:
        home = FALLBACK_HOME / f"bioccia-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
        folder.unlink(missing_ok=True)
        folder.symlink_to(home)
    home.mkdir(mode=0o755, exist_ok=True)
    entry = pwd.getpwnam(FALLBACK_USER)
    os.chown(home, entry.pw_uid, entry.pw_gid)


def _traversable(folder: Path) -> bool:
    return all(place.stat().st_mode & stat.S_IXOTH for place in (folder, *folder.parents))


def make_socket_dir(folder: Path) -> None:
    """Make the folder of a unix socket, for its owner only.

    Raises:
        LifecycleError: somebody else made a folder of that name first.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if way() == "user":
        entry = pwd.getpwnam(FALLBACK_USER)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    elif folder.stat().st_uid != os.geteuid() or folder.is_symlink():
        raise LifecycleError(f"{folder} belongs to somebody else: remove it, or set BIOCCIA_VAR to a shorter path.")
    folder.chmod(0o700)
