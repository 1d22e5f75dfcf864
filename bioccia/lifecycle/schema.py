"""A region's database, brought to the schema of this code."""

import hashlib
import os
import subprocess
from pathlib import Path

from bioccia.lifecycle import environment, paths, postgres, services
from bioccia.lifecycle.errors import LifecycleError


def stamp_value() -> str:
    """A digest of the migrations and of the packages that bring theirs."""
    digest = hashlib.sha256()
    files = [*paths.REPOSITORY.glob("*/migrations/*.py"), paths.REPOSITORY / "requirements.lock"]
    for file in sorted(files):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def played_stamp(region: str) -> Path:
    """What says that the demonstration is played; it goes with the database."""
    return paths.region_dir(region) / ".played"


def ensure_schema(region: str) -> bool:
    """Make the region's database if needed and apply the migrations it lacks; the server must answer.

    Returns:
        Whether something was done.

    Raises:
        LifecycleError: the migrations fail; their last words are in the message.
    """
    made = services.needs_postgres() and postgres.ensure_database(region)
    if made:
        played_stamp(region).unlink(missing_ok=True)
    stamp = paths.region_dir(region) / ".schema"
    value = stamp_value()
    if not made and services.needs_postgres() and stamp.exists() and stamp.read_text() == value:
        return False
    _migrate(region)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(value)
    return True


def _migrate(region: str) -> None:
    command = [str(environment.project_python()), "manage.py", "migrate", "--no-input", "-v", "1"]
    answer = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=paths.REPOSITORY,
        env={**environment.process_environment(region), "BIOCCIA_SERVICES": "running"},
    )
    log = paths.region_log_dir(region) / "migrate.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(answer.stdout + answer.stderr)
    if answer.returncode:
        last = (answer.stderr.strip() or answer.stdout.strip()).splitlines()[-1:]
        raise LifecycleError(f"The migrations of {region} fail: {' '.join(last)}{os.linesep}All of it is in {log}.")
