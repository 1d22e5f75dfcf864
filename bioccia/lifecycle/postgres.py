"""The private PostgreSQL cluster under `var/postgres`: made once, reached by a unix socket only."""

import contextlib
import functools
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bioccia.lifecycle import owner, paths, processes
from bioccia.lifecycle.errors import LifecycleError

EXTENSIONS = ("postgis", "pg_trgm", "unaccent")
OLDEST_VERSION = 14
START_PATIENCE_SECONDS = 90.0
_MEGABYTE = 1024**2


def bin_dir() -> Path | None:
    """The programs of the newest PostgreSQL here that has PostGIS; None when there is none."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin/postgres"), *_on_path()]
    usable = [program for program in found if _major(program) >= OLDEST_VERSION and _has_postgis(program)]
    return max(usable, key=_major).parent if usable else None


def _on_path() -> list[Path]:
    program = shutil.which("postgres")
    return [Path(program).resolve()] if program else []


def _major(program: Path) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"\d+", said)
    return int(version[0]) if version else 0


def _has_postgis(program: Path) -> bool:
    config = program.with_name("pg_config")
    folders = [Path("/usr/share/postgresql") / str(_major(program))]
    if config.exists():
        said = subprocess.run([config, "--sharedir"], capture_output=True, text=True, check=False).stdout
        folders.append(Path(said.strip()))
    return any((folder / "extension" / "postgis.control").exists() for folder in folders)


@functools.cache
def program(name: str) -> Path:
    """The path of one PostgreSQL program.

    Raises:
        LifecycleError: PostgreSQL or PostGIS is not installed.
    """
    folder = bin_dir()
    if folder is None:
        raise LifecycleError(
            f"PostgreSQL {OLDEST_VERSION} or newer with PostGIS is not installed: run `make setup` on Debian 12, "
            "install both elsewhere, or set DATABASE_URL."
        )
    return folder / name


def data_dir() -> Path:
    """The cluster's files, by the path the server's own user can follow."""
    return paths.postgres_dir().resolve() / "data"


def pid_file() -> Path:
    """The pid of the server we started."""
    return paths.postgres_dir() / "server.pid"


def log_file() -> Path:
    """What the server says."""
    return paths.postgres_dir() / "log" / "postgres.log"


def is_running() -> bool:
    """Whether our server runs (it may still be recovering)."""
    return processes.read_pid_file(pid_file()) is not None


def make_cluster() -> None:
    """Make the cluster aside and rename it, once; a half-made one is thrown away.

    Raises:
        LifecycleError: initdb fails, or the cluster is of another PostgreSQL.
    """
    folder = owner.make_data_dir(paths.postgres_dir())
    data = data_dir()
    if (data / "PG_VERSION").exists():
        _check_version(data)
        return
    aside = folder / "data.new"
    owner.run(["rm", "-rf", aside])
    initdb: list[str | Path] = [
        program("initdb"),
        "--pgdata",
        aside,
        "--username",
        paths.DATABASE_USER,
        "--auth",
        "trust",
    ]
    initdb += ["--encoding", "UTF8", "--locale", "C.UTF-8", "--locale-provider", "icu", "--icu-locale", "fr-FR"]
    owner.run([*initdb, "--no-sync", "--no-instructions"])
    owner.run(["mv", "-T", aside, data])


def _check_version(data: Path) -> None:
    made_by = (data / "PG_VERSION").read_text().strip()
    present = _major(program("postgres"))
    if made_by != str(present):
        raise LifecycleError(
            f"{data} was made by PostgreSQL {made_by} and only PostgreSQL {present} is here: install "
            f"postgresql-{made_by} with its PostGIS, or erase the data with `make clean`."
        )


def settings(*, durable: bool = True) -> dict[str, str]:
    """The server's settings, for a machine of a few cores shared with the workers.

    Args:
        durable: False for a cluster of tests, which may be lost with the machine but not with its processes.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MEGABYTE
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(paths.postgres_socket_dir().resolve()),
        "unix_socket_permissions": "0700",
        "shared_buffers": f"{min(512, memory // 8)}MB",
        "effective_cache_size": f"{memory // 3}MB",
        "work_mem": "32MB",
        "maintenance_work_mem": f"{min(256, memory // 16)}MB",
        "max_connections": "100",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "on",
        "random_page_cost": "1.1",
        "jit": "off",  # tiles are many short questions; compiling each costs more than it saves
        "timezone": "UTC",
        "log_line_prefix": "%m [%p] %d ",
        "log_min_duration_statement": "2000",
        "log_checkpoints": "off",
        "cluster_name": "bioccia",
    }
    if _small_shared_memory():
        options["dynamic_shared_memory_type"] = "mmap"
    if not durable:
        options |= {"fsync": "off", "full_page_writes": "off", "max_wal_size": "1GB", "shared_buffers": "128MB"}
    return options


def _small_shared_memory() -> bool:
    # Containers often give /dev/shm 64 MB, which one parallel query can fill.
    try:
        return shutil.disk_usage("/dev/shm").total < 256 * _MEGABYTE  # noqa: S108
    except OSError:
        return True


def start(*, durable: bool = True) -> None:
    """Start the server if it does not run, and wait until it answers.

    Raises:
        LifecycleError: it ends at once, or does not answer in time; its last words are in the message.
    """
    spawn(durable=durable)
    wait_ready()


def spawn(*, durable: bool = True) -> None:
    """Start the server without waiting, after clearing what a killed one left."""
    if is_running():
        return
    make_cluster()
    clear_leftovers()
    owner.make_socket_dir(paths.postgres_socket_dir())
    arguments: list[str | Path] = [program("postgres"), "-D", data_dir()]
    for name, value in settings(durable=durable).items():
        arguments += ["-c", f"{name}={value}"]
    processes.spawn(owner.as_owner(arguments), log=log_file(), pid_file=pid_file(), environment=_environment())


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}


def wait_ready() -> None:
    """Wait until the server answers; recovery after a kill may take a while.

    Raises:
        LifecycleError: it ended, or does not answer in time.
    """
    processes.wait_until(lambda: answers() or not is_running(), START_PATIENCE_SECONDS)
    if not answers():
        raise LifecycleError(f"PostgreSQL does not answer: {_last_words()} (all of it in {log_file()})")


def answers() -> bool:
    """Whether the server takes connections."""
    return is_running() and _run_client("pg_isready", ["--quiet", "--dbname", "postgres"]).returncode == 0


def _last_words() -> str:
    try:
        lines = log_file().read_text(errors="replace").splitlines()
    except OSError:
        return "it left no log"
    return " ".join(lines[-3:]) or "it said nothing"


def clear_leftovers() -> None:
    """End the children of a server that was killed, and remove its lock file when its pid is no longer it.

    A killed server's children hold its shared memory until they end, and a recycled pid in postmaster.pid would
    make the next server refuse to start.
    """
    for pid in _processes_in(data_dir()):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    processes.wait_until(lambda: not _processes_in(data_dir()), 10)
    (data_dir() / "postmaster.pid").unlink(missing_ok=True)
    for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (paths.postgres_socket_dir() / name).unlink(missing_ok=True)


def _processes_in(folder: Path) -> list[int]:
    """The live PostgreSQL processes whose working folder is the cluster's."""
    real = folder.resolve()
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink() == real and processes.start_ticks(int(entry.name)):
                found.append(int(entry.name))
    return [pid for pid in found if "postgres" in processes.command_line(pid)]


def stop() -> None:
    """Stop the server: its clients are let go, its files are left clean."""
    mark = processes.read_pid_file(pid_file())
    if mark:
        # SIGINT is PostgreSQL's fast shutdown; SIGQUIT is immediate, and the next start recovers.
        processes.end_process(mark, signals=[(signal.SIGINT, 30), (signal.SIGQUIT, 5)])
        clear_leftovers()
    pid_file().unlink(missing_ok=True)


def ensure_database(region: str) -> bool:
    """Make a region's database and its extensions if they are not there.

    Returns:
        Whether the database was made now.
    """
    name = paths.database_name(region)
    known = ask("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{name}'")  # noqa: S608 - a slug
    if not known:
        ask("postgres", f'CREATE DATABASE "{name}"')
    ask(name, "; ".join(f"CREATE EXTENSION IF NOT EXISTS {extension}" for extension in EXTENSIONS))
    return not known


def ask(database: str, statement: str) -> str:
    """Run SQL through psql, for what must be done before Django can connect.

    Raises:
        LifecycleError: the server refuses it.
    """
    options = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]
    answer = _run_client("psql", [*options, "--dbname", database, "--command", statement])
    if answer.returncode:
        raise LifecycleError(f"PostgreSQL refuses `{statement}`: {answer.stderr.strip()}")
    return answer.stdout.strip()


def _run_client(name: str, options: Sequence[str]) -> subprocess.CompletedProcess[str]:
    reach = ["--host", str(paths.postgres_socket_dir()), "--port", "5432", "--username", paths.DATABASE_USER]
    environment = {key: value for key, value in _environment().items() if not key.startswith("PG")}
    return subprocess.run(
        [program(name), *reach, *options], capture_output=True, text=True, check=False, env=environment
    )
