"""The long-running parts of one region: how each starts, whether it lives, how it stops."""

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bioccia.lifecycle import environment, paths, postgres, processes, redis, services

MOST_WORKERS = 4


@dataclass(frozen=True)
class Part:
    """A long-running part.

    Attributes:
        name: for people and logs.
        start: starts it, after clearing what a killed one left.
        is_alive: whether it runs.
        stop: stops it with its children.
        log: what it says.
    """

    name: str
    start: Callable[[], object]
    is_alive: Callable[[], bool]
    stop: Callable[[], object]
    log: Path


def parts_of(region: str, *, host: str, port: int) -> list[Part]:
    """The parts of a region in the order they start; they stop in the opposite one.

    Args:
        region: its slug.
        host: the address the web server listens on.
        port: its port.
    """
    return [*service_parts(), *_program_parts(region, web_command(host, port))]


def service_parts() -> list[Part]:
    """PostgreSQL and Redis, where they are ours to run."""
    parts = []
    if services.needs_postgres():
        parts.append(Part("postgres", postgres.spawn, postgres.is_running, postgres.stop, postgres.log_file()))
    if services.needs_redis():
        parts.append(Part("redis", redis.spawn, redis.is_running, redis.stop, redis.log_file()))
    return parts


def _program_parts(region: str, web: Sequence[str]) -> list[Part]:
    # Celery finishes its task on SIGTERM and gives it back on SIGQUIT; a run resumes where it was either way.
    patient = [(signal.SIGTERM, 6.0), (signal.SIGQUIT, 4.0)]
    return [
        program_part("worker", region, worker_command(region), patient),
        program_part("beat", region, beat_command(region), [(signal.SIGTERM, 5.0)]),
        program_part("web", region, web, [(signal.SIGTERM, 8.0)]),
    ]


def web_command(host: str, port: int) -> list[str]:
    """The web server: one process a core from one import, threads for requests that wait on the database."""
    workers = str(min(MOST_WORKERS, os.cpu_count() or 1))
    options = ["--bind", f"{host}:{port}", "--workers", workers, "--threads", "4", "--timeout", "60"]
    return ["gunicorn", "bioccia.wsgi", *options, "--preload", "--graceful-timeout", "5", "--no-control-socket"]


def worker_command(region: str) -> list[str]:
    """The worker: it takes a task only when a child is free for it."""
    children = str(min(MOST_WORKERS, os.cpu_count() or 1))
    options = ["--concurrency", children, "--prefetch-multiplier", "1", "--without-gossip", "--without-mingle"]
    return ["celery", "-A", "bioccia", "worker", *options, "--hostname", f"{region}@%h", "--loglevel", "INFO"]


def beat_command(region: str) -> list[str]:
    """The clock that wakes silent runs."""
    schedule = paths.region_dir(region) / "run" / "beat-schedule"
    return ["celery", "-A", "bioccia", "beat", "--pidfile=", "--schedule", str(schedule), "--loglevel", "WARNING"]


def program_pid_file(name: str, region: str) -> Path:
    """The pid of a region's web server, worker or beat."""
    return paths.region_dir(region) / "run" / f"{name}.pid"


def program_part(
    name: str, region: str, command: Sequence[str], signals: Sequence[tuple[signal.Signals, float]]
) -> Part:
    """A Python program of the platform as a part.

    Args:
        name: of the part.
        region: its slug.
        command: the module to run and its arguments.
        signals: how to end it, each signal with its patience in seconds.
    """
    pid_file = program_pid_file(name, region)
    log = paths.region_log_dir(region) / f"{name}.log"

    def start() -> None:
        stop()
        settings = environment.process_environment(region)
        pid_file.parent.mkdir(parents=True, exist_ok=True)
        processes.spawn(
            [environment.project_python(), "-m", *command], log=log, pid_file=pid_file, environment=settings
        )

    def is_alive() -> bool:
        return processes.read_pid_file(pid_file) is not None

    def stop() -> None:
        processes.end_noted(pid_file, signals=signals)

    return Part(name, start, is_alive, stop, log)
