"""PostgreSQL and Redis together: what every process of ours needs before it can work."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bioccia.lifecycle import paths, postgres, redis


def needs_postgres() -> bool:
    """Whether the private cluster is ours to run; an address in the environment means another one is used."""
    return not os.environ.get("DATABASE_URL")


def needs_redis() -> bool:
    """Whether the private broker is ours to run."""
    return not os.environ.get("REDIS_URL")


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time starts or stops the services."""
    paths.var_dir().mkdir(parents=True, exist_ok=True)
    with (paths.var_dir() / ".services.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _borrowed_mark() -> Path:
    """Stands while the services were started for a command only, and go with the last one that uses them."""
    return paths.var_dir() / ".services.borrowed"


def start(*, durable: bool = True) -> None:
    """Start what does not run and wait until both answer; they stay until `stop`.

    Args:
        durable: False for the cluster of the tests.
    """
    with _alone():
        _start(durable=durable)
        _borrowed_mark().unlink(missing_ok=True)


def _start(*, durable: bool) -> bool:
    before = [needs_postgres() and not postgres.is_running(), needs_redis() and not redis.is_running()]
    if needs_postgres():
        postgres.spawn(durable=durable)
    if needs_redis():
        redis.start()
    if needs_postgres():
        postgres.wait_ready()
    return any(before)


@contextmanager
def borrowed() -> Iterator[None]:
    """Have the services for the length of a command.

    Started here if they did not run, they are stopped by the last of the commands that used them at once.
    """
    with _alone():
        if _start(durable=True):
            _borrowed_mark().touch()
        users = (paths.var_dir() / ".services.users").open("w")
        fcntl.flock(users, fcntl.LOCK_SH)
    try:
        yield
    finally:
        with _alone():
            users.close()
            if _borrowed_mark().exists() and _nobody_uses_them():
                _stop()


def _nobody_uses_them() -> bool:
    with (paths.var_dir() / ".services.users").open("w") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def ensure_database(region: str) -> None:
    """Make a region's database in the private cluster if it is not there."""
    if needs_postgres():
        postgres.ensure_database(region)


def stop() -> None:
    """Stop both, the broker first: it holds no connection to the database."""
    with _alone():
        _stop()


def _stop() -> None:
    redis.stop()
    postgres.stop()
    _borrowed_mark().unlink(missing_ok=True)
