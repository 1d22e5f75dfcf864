"""What benchmarks stand on: a database of their own, a real web server, rows of the table."""

import contextlib
import http.client
import json
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bioccia.lifecycle import environment, frontend, parts, paths, services

REGION = "benchmarks"


@contextlib.contextmanager
def own_database(region: str = REGION) -> Iterator[None]:
    """Services, a migrated database named after the region, and Django on it."""
    os.environ["BIOCCIA_REGION"] = region
    os.environ["DJANGO_SETTINGS_MODULE"] = "bioccia.settings"
    with services.borrowed():
        services.ensure_database(region)
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield


@contextlib.contextmanager
def web_server(region: str = REGION, *, with_files: bool = False) -> Iterator[int]:
    """The web server as `make run` starts it, on a free port; `with_files` gathers scripts and sheets first."""
    if with_files:
        frontend.build_bundles()
        frontend.collect_static_files(region)
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port = line.getsockname()[1]
    log = paths.region_log_dir(region) / "web.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        command = [sys.executable, "-m", *parts.web_command("127.0.0.1", port)]
        server = subprocess.Popen(command, stdout=stream, stderr=stream, env=environment.process_environment(region))
    try:
        _wait_until_it_answers(port, server)
        yield port
    finally:
        server.terminate()
        server.wait()


def _wait_until_it_answers(port: int, server: subprocess.Popen) -> None:
    for _try in range(900):
        if server.poll() is not None:
            raise RuntimeError("the web server ended; its words are in log/web.log of the region")
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError("the web server did not answer in 90 s")


def timed_requests(port: int, paths_to_ask: list[str], headers: dict[str, str] | None = None) -> list[float]:
    """Milliseconds to the last byte of each answer, one after the other on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    found = []
    for path in paths_to_ask:
        started = time.perf_counter()
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        answer.read()
        found.append((time.perf_counter() - started) * 1000)
        if answer.status >= 400:
            raise RuntimeError(f"{path} answered {answer.status}")
    return found


def warm(port: int, path: str) -> None:
    """Have every process and thread of the server answer before it is measured."""
    for _round in range(5):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _number: timed_requests(port, [path]), range(8)))


def side_by_side(ours: Callable[[Any], object], peer: Callable[[Any], object], inputs: list) -> tuple[list, list]:
    """Milliseconds of each call of both, in turns, so that a busy machine hinders both alike."""
    found: tuple[list[float], list[float]] = ([], [])
    for number, given in enumerate(inputs):
        for which in (0, 1) if number % 2 else (1, 0):
            started = time.perf_counter()
            (ours, peer)[which](given)
            found[which].append((time.perf_counter() - started) * 1000)
    return found


def percentile(values: list[float], share: float) -> float:
    """The smallest value that the share of all values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def row(what: str, who: str, value: float, unit: str, aim: str = "") -> None:
    """A line for `benchmarks/run.py`."""
    print(json.dumps({"what": what, "who": who, "value": value, "unit": unit, "aim": aim}), flush=True)
