"""Where everything stands under `var/`. Read by the settings and by the lifecycle, so that both agree."""

import hashlib
import os
import re
import tempfile
import unicodedata
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
DATABASE_USER = "bioccia"
DEFAULT_REGION = "demo"
# Names under var/ that belong to the parts, so that no region may take them.
RESERVED_NAMES = frozenset({"postgres", "redis", "static", "test", "log", "run", "stamps"})
# sun_path holds 108 bytes with its final zero; PostgreSQL adds "/.s.PGSQL.5432" and its lock file's ".lock".
LONGEST_SOCKET_PATH = 107
_LONGEST_SOCKET_NAME = "/.s.PGSQL.5432.lock"
_LONGEST_SLUG = 40


def var_dir() -> Path:
    """The folder of everything that is made: databases, files, logs, stamps."""
    return Path(os.environ.get("BIOCCIA_VAR") or REPOSITORY / "var").absolute()


def region_slug(name: str) -> str:
    """Turn a region folder's name into the name of its database and of its files.

    Args:
        name: a folder name, in any script.

    Returns:
        Lower-case ASCII letters, digits and `_`, at most 40 of them, never a name the parts use themselves.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:_LONGEST_SLUG]
    return f"region_{slug}" if not slug or slug in RESERVED_NAMES else slug


def region_name() -> str:
    """The region this process works on, from the environment."""
    return os.environ.get("BIOCCIA_REGION") or DEFAULT_REGION


def region_dir(region: str) -> Path:
    """The files of one region."""
    return var_dir() / region


def region_log_dir(region: str) -> Path:
    """The logs of the web server, the worker, the beat and the supervisor of one region."""
    return region_dir(region) / "log"


def postgres_dir() -> Path:
    """The private cluster: its data, its socket, its log."""
    return var_dir() / "postgres"


def redis_dir() -> Path:
    """The private broker: its append-only file, its socket, its log."""
    return var_dir() / "redis"


def stamps_dir() -> Path:
    """What each finished step was made from, so that a second call can skip it."""
    return var_dir() / "stamps"


def socket_dir(part_dir: Path) -> Path:
    """The folder of a part's unix socket: `run` beside its data, or a short twin when that path is too long.

    The twin is named after a hash of the path, in the temporary folder, so that every process finds the same one.
    Nothing is made here; `make_socket_dir` does that.

    Args:
        part_dir: the folder of the part, as `postgres_dir()` gives it.
    """
    beside = part_dir / "run"
    if len(os.fsencode(beside)) + len(_LONGEST_SOCKET_NAME) <= LONGEST_SOCKET_PATH:
        return beside
    digest = hashlib.sha256(os.fsencode(beside)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"bioccia-{digest}"


def postgres_socket_dir() -> Path:
    """The host to give to a PostgreSQL client."""
    return socket_dir(postgres_dir())


def redis_socket() -> Path:
    """The unix socket of the private broker."""
    return socket_dir(redis_dir()) / "redis.sock"


def database_name(region: str) -> str:
    """The database of one region in the private cluster."""
    return f"bioccia_{region}"


def private_database(region: str) -> dict[str, str]:
    """How Django reaches a region's database in the private cluster."""
    return {"NAME": database_name(region), "USER": DATABASE_USER, "HOST": str(postgres_socket_dir()), "PORT": ""}


def private_redis_url() -> str:
    """How clients reach the private broker; regions share it and differ by key prefix and queue."""
    return f"unix://{redis_socket()}"
