"""`make stop` and `make clean`: by our own pid files only."""

import os
import shutil
import signal

from bioccia.lifecycle import parts, paths, processes, services, supervisor
from bioccia.lifecycle.errors import LifecycleError

# More than the parts take together, each at its slowest.
SUPERVISOR_PATIENCE_SECONDS = 75.0
PROGRAMS = ("web", "beat", "worker")


def stop_region(region: str) -> bool:
    """Stop a region's supervisor and its parts, or what a killed supervisor left of them.

    Returns:
        Whether a supervisor was running.
    """
    mark = processes.read_pid_file(supervisor.pid_file(region))
    if mark:
        os.kill(mark.pid, signal.SIGTERM)
        processes.wait_end(mark, SUPERVISOR_PATIENCE_SECONDS)
    processes.end_noted(supervisor.pid_file(region), signals=[])
    for name in PROGRAMS:
        processes.end_noted(parts.program_pid_file(name, region), signals=[(signal.SIGTERM, 10.0)])
    supervisor.state_file(region).unlink(missing_ok=True)
    if not supervisor.other_supervisors(region):
        services.stop()
    return mark is not None


def stop_everything() -> list[str]:
    """Stop every region of this `var/`, then the database server and the broker.

    Returns:
        The regions that were being served.
    """
    stopped = [region for region in supervisor.supervised_regions() if stop_region(region)]
    if paths.var_dir().is_dir():
        services.stop()
    return stopped


def clean() -> None:
    """Stop everything and remove `var/`.

    Raises:
        LifecycleError: the folder is not one we made.
    """
    folder = paths.var_dir()
    if not folder.exists():
        return
    if not (folder / "VERSION").exists() and folder != paths.REPOSITORY / "var":
        raise LifecycleError(f"{folder} has no VERSION file, so it is not known to be ours: remove it yourself.")
    stop_everything()
    cluster = paths.postgres_dir()
    if cluster.is_symlink():
        shutil.rmtree(cluster.resolve(), ignore_errors=True)
    for place in (paths.postgres_socket_dir(), paths.redis_socket().parent):
        shutil.rmtree(place, ignore_errors=True)
    shutil.rmtree(folder)
