"""Keep the parts of one region alive: restart what dies, later and later, turn the logs, stop all in order."""

import argparse
import contextlib
import json
import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioccia.lifecycle import paths, processes, services, stamps
from bioccia.lifecycle.errors import LifecycleError
from bioccia.lifecycle.parts import Part, parts_of

LOOK_SECONDS = 0.25
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
HEALTHY_AFTER_SECONDS = 30.0
LARGEST_LOG_BYTES = 10_000_000
KEPT_LOGS = 3
TURN_SECONDS = 10.0

logger = logging.getLogger("supervisor")


@dataclass
class Watch:
    """A part and what has happened to it.

    Attributes:
        part: the part.
        deaths: how often it died since it was last healthy.
        started_at: when it was last started, on the monotonic clock.
        start_after: when it may be started again.
    """

    part: Part
    deaths: int = 0
    started_at: float = 0.0
    start_after: float = 0.0

    def look(self, now: float) -> bool:
        """Start the part again when it has died and its delay is over; say whether it was found dead."""
        if self.part.is_alive():
            if self.deaths and now - self.started_at > HEALTHY_AFTER_SECONDS:
                self.deaths = 0
            return False
        if self.start_after <= self.started_at:
            self.deaths += 1
            delay = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** (self.deaths - 1))
            self.start_after = now + delay
            logger.warning("%s died; it starts again in %.1f s", self.part.name, delay)
        if now >= self.start_after:
            self.start(now)
        return True

    def start(self, now: float) -> None:
        """Start the part; what prevents it is said and tried again later."""
        self.started_at = now
        try:
            self.part.start()
            logger.info("%s started", self.part.name)
        except (LifecycleError, OSError) as error:
            logger.error("%s does not start: %s", self.part.name, error)  # noqa: TRY400 - a sentence, not a trace


class Supervisor:
    """The parts of one region, watched until we are told to stop."""

    def __init__(self, region: str, *, host: str, port: int) -> None:
        self.region = region
        self.url = f"http://{host}:{port}"
        self.code = stamps.digest_of_code()
        self.watches = [Watch(part) for part in parts_of(region, host=host, port=port)]
        self.told_to_stop = threading.Event()

    def run(self) -> None:
        """Start everything, watch until told to stop, stop everything."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self.told_to_stop.set())
        processes.write_pid_file(pid_file(self.region), os.getpid())
        try:
            services.start()
            for watch in self.watches:
                if not watch.part.is_alive() or watch.part.name not in {"postgres", "redis"}:
                    watch.start(time.monotonic())
            self._note_state()
            self._watch()
        finally:
            self._stop()

    def _watch(self) -> None:
        turn_at = 0.0
        while not self.told_to_stop.wait(LOOK_SECONDS):
            processes.reap_children()
            now = time.monotonic()
            if sum(watch.look(now) for watch in self.watches):
                self._note_state()
            if now > turn_at:
                turn_logs([watch.part.log for watch in self.watches])
                turn_at = now + TURN_SECONDS

    def _note_state(self) -> None:
        state = {
            "url": self.url,
            "code": self.code,
            "deaths": {watch.part.name: watch.deaths for watch in self.watches},
        }
        file = state_file(self.region)
        file.with_suffix(".new").write_text(json.dumps(state))
        file.with_suffix(".new").replace(file)

    def _stop(self) -> None:
        logger.info("stopping")
        shared = bool(other_supervisors(self.region))
        for watch in reversed(self.watches):
            if not (shared and watch.part.name in {"postgres", "redis"}):
                watch.part.stop()
                logger.info("%s stopped", watch.part.name)
        state_file(self.region).unlink(missing_ok=True)
        pid_file(self.region).unlink(missing_ok=True)


def pid_file(region: str) -> Path:
    """The pid of a region's supervisor."""
    return paths.region_dir(region) / "run" / "supervisor.pid"


def state_file(region: str) -> Path:
    """What a region's supervisor last knew, as JSON: its address, its code, how often each part died."""
    return paths.region_dir(region) / "run" / "supervisor.json"


def read_state(region: str) -> dict[str, Any]:
    """What a region's supervisor last knew; empty when none runs."""
    with contextlib.suppress(OSError, ValueError):
        return dict(json.loads(state_file(region).read_text()))
    return {}


def supervised_regions() -> list[str]:
    """The regions that have a supervisor's pid file, live or stale."""
    return sorted(file.parent.parent.name for file in paths.var_dir().glob("*/run/supervisor.pid"))


def other_supervisors(region: str) -> list[str]:
    """The other regions whose supervisor runs: they share the database server and the broker."""
    return [other for other in supervised_regions() if other != region and processes.read_pid_file(pid_file(other))]


def turn_logs(logs: Sequence[Path]) -> None:
    """Copy aside and empty each log that has grown large, keeping a few; its writer goes on appending."""
    for log in logs:
        with contextlib.suppress(FileNotFoundError):
            if log.stat().st_size > LARGEST_LOG_BYTES:
                for number in range(KEPT_LOGS - 1, 0, -1):
                    older = log.with_name(f"{log.name}.{number}")
                    if older.exists():
                        older.replace(log.with_name(f"{log.name}.{number + 1}"))
                shutil.copyfile(log, log.with_name(f"{log.name}.1"))
                with log.open("r+b") as stream:
                    stream.truncate(0)


def main() -> None:
    """Supervise one region until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m bioccia.lifecycle.supervisor")
    parser.add_argument("region")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        Supervisor(options.region, host=options.host, port=options.port).run()
    except LifecycleError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
