"""`make run`: from a fresh clone to a served page, then to Ctrl-C."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bioccia.lifecycle import environment, paths, ports, processes, schema, setup, stamps, stop, supervisor
from bioccia.lifecycle.errors import LifecycleError
from bioccia.lifecycle.steps import Step, run_step, run_steps, say

READY_PATIENCE_SECONDS = 120.0
DEATHS_THAT_TELL = 4
DEFAULT_PORT = "8000"


@dataclass(frozen=True)
class RunOptions:
    """What `make run` was asked.

    Attributes:
        host: the address to listen on.
        port: the port to listen on.
        folder: a region folder; None for the simulated region.
        detach: return once the pages are served.
    """

    host: str
    port: int
    folder: Path | None
    detach: bool

    @property
    def region(self) -> str:
        """The slug of the region to serve."""
        return paths.region_slug(self.folder.name) if self.folder else paths.region_name()

    @property
    def url(self) -> str:
        """Where the pages are."""
        return f"http://{self.host}:{self.port}"


def read_options(*, port: str, region: str, detach: str) -> RunOptions:
    """Read what the Makefile passes on.

    Raises:
        LifecycleError: the port is no port, or the folder no region folder.
    """
    port = port or os.environ.get("PORT") or DEFAULT_PORT
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise LifecycleError(f"PORT={port} is not a port: give a number from 1 to 65535.")
    folder = Path(region).expanduser().resolve() if region else None
    if folder and not folder.is_dir():
        raise LifecycleError(f"REGION={region} is not a folder: give the path of a region folder.")
    if folder and environment.region_of_folder(folder) is None:
        raise LifecycleError(f"{folder} has no region.toml: give the path of a region folder (docs/howto/run.md).")
    host = os.environ.get("BIND") or "127.0.0.1"
    return RunOptions(host, int(port), folder, detach not in {"", "0", "no", "false"})


def run(options: RunOptions) -> None:
    """Set up, serve, play the demonstration, then serve until Ctrl-C (or return, detached).

    Raises:
        LifecycleError: a step fails; what was started is stopped.
    """
    started = time.monotonic()
    setup.check_place()
    _make_way(options)
    try:
        run_steps(_steps(options))
        run_step(Step("Demonstration", lambda: _play(options)))
        _say_where(options, started)
    except BaseException:
        _stop_all(options)
        raise
    if not options.detach:
        _wait_for_the_end(options)


def _is_served_already(options: RunOptions) -> bool:
    state = supervisor.read_state(options.region)
    alive = processes.read_pid_file(supervisor.pid_file(options.region))
    return bool(alive) and (state.get("url"), state.get("code")) == (options.url, stamps.digest_of_code())


def _steps(options: RunOptions) -> list[Step]:
    """Everything up to the served pages; the built-in region is generated meanwhile."""
    steps = setup.run_steps_of(options.region)
    made = tuple(step.name for step in steps)
    if options.folder is None:
        steps.append(Step(setup.SIMULATION, lambda: setup.simulate(options.region), after=(setup.PACKAGES,)))
    return [*steps, Step("Web server, worker and beat", lambda: _serve(options), after=made)]


def _stop_all(options: RunOptions) -> None:
    """Leave nothing of ours behind, after Ctrl-C or a step that failed; a second Ctrl-C does not cut this short."""
    end_as_ctrl_c([signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ignored=True)
    say("Stopping...")
    stop.stop_region(options.region)


def _make_way(options: RunOptions) -> None:
    """Keep an earlier run of this region that has the present code, stop another; then the port must be free."""
    if _is_served_already(options):
        return
    if processes.read_pid_file(supervisor.pid_file(options.region)):
        say(f"An earlier run of {options.region} is stopped; its data stay.")
    stop.stop_region(options.region)
    for other in supervisor.other_supervisors(options.region):
        if supervisor.read_state(other).get("url") == options.url:
            raise LifecycleError(
                f"Port {options.port} serves the region {other} of this same folder: stop it with `make stop`, or "
                f"choose another port with PORT={options.port + 1}."
            )
    ports.check_free(options.host, options.port)


def _serve(options: RunOptions) -> bool:
    """Have the platform served.

    Returns:
        Whether it had to be started.
    """
    if _is_served_already(options) and is_ready(options.url):
        return False
    if processes.read_pid_file(supervisor.pid_file(options.region)):
        stop.stop_region(options.region)  # it runs and does not answer
    _start_supervisor(options)
    return True


def _start_supervisor(options: RunOptions) -> None:
    log = paths.region_log_dir(options.region) / "supervisor.log"
    command: list[str | Path] = [environment.project_python(), "-m", "bioccia.lifecycle.supervisor", options.region]
    settings = environment.process_environment(options.region)
    mark = processes.spawn(
        [*command, "--host", options.host, "--port", str(options.port)],
        log=log,
        pid_file=supervisor.pid_file(options.region),
        environment=settings,
    )
    in_time = processes.wait_until(lambda: _is_settled(options, mark), READY_PATIENCE_SECONDS, every=0.4)
    if not in_time or not is_ready(options.url):
        raise LifecycleError(_explain_unready(options))


def _is_settled(options: RunOptions, mark: processes.ProcessMark) -> bool:
    """Whether there is nothing more to wait for: all answer, or something dies again and again."""
    deaths = supervisor.read_state(options.region).get("deaths", {})
    return is_ready(options.url) or not mark.is_alive() or any(count >= DEATHS_THAT_TELL for count in deaths.values())


def is_ready(url: str) -> bool:
    """Whether the database, the broker and the worker answer through the web server."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _explain_unready(options: RunOptions) -> str:
    logs = paths.region_log_dir(options.region)
    deaths = supervisor.read_state(options.region).get("deaths", {})
    dying = [name for name, count in deaths.items() if count]
    culprit = dying[0] if dying else "web"
    lines = []
    with contextlib.suppress(OSError):
        lines = (logs / f"{culprit}.log").read_text(errors="replace").strip().splitlines()[-3:]
    words = " ".join(line.strip() for line in lines) or "it said nothing"
    return f"The pages are not ready: {culprit} says: {words[-600:]} (logs in {logs})."


def _play(options: RunOptions) -> bool:
    """Play the demonstration, its own steps told by itself.

    Returns:
        Whether something was left to play: the same region folder on the same database is played once.
    """
    folder = options.folder or setup.simulated_folder(options.region)
    stamp = schema.played_stamp(options.region)
    value = stamps.digest_files([folder / "region.toml"])
    if stamps.is_current(stamp, value):
        return False
    _manage(options, "play_demonstration", *(["--folder", str(folder)] if options.folder else []))
    stamps.write(stamp, stamps.digest_files([folder / "region.toml"]))
    return True


def _say_where(options: RunOptions, started: float) -> None:
    accounts = _manage(options, "demo_accounts", shown=False)
    say("\n".join(["", *accounts, ""]))
    say(f"{options.url} is served ({time.monotonic() - started:.0f} s). Logs: {paths.region_log_dir(options.region)}")


def _manage(options: RunOptions, *arguments: str, shown: bool = True) -> list[str]:
    """Run a management command on the region.

    Its sentences are shown as they come; its structured lines, for machines, go to a log.

    Returns:
        The sentences.

    Raises:
        LifecycleError: it fails; its last sentence is in the message.
    """
    command = [str(environment.project_python()), "manage.py", *arguments]
    settings = {**environment.process_environment(options.region), "BIOCCIA_SERVICES": "running"}
    log = paths.region_log_dir(options.region) / f"{arguments[0]}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    sentences = []
    with (
        subprocess.Popen(
            command, cwd=paths.REPOSITORY, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
        log.open("a", encoding="utf-8") as stream,
    ):
        for line in process.stdout or []:
            if line.startswith("{"):
                stream.write(line)
            else:
                sentences.append(line.rstrip())
                if shown:
                    say(f"    {sentences[-1]}")
    if process.returncode:
        last = sentences[-1] if sentences else f"it says nothing, code {process.returncode}"
        raise LifecycleError(f"`manage.py {' '.join(arguments)}` fails: {last.removeprefix('CommandError: ')}")
    return sentences


def _wait_for_the_end(options: RunOptions) -> None:
    """Wait for Ctrl-C, or for `make stop` elsewhere; a supervisor that was killed is replaced."""
    say("Ctrl-C stops everything; the data stay.")
    try:
        while _is_supervised(options):
            processes.reap_children()
            time.sleep(0.3)
    except KeyboardInterrupt:
        _stop_all(options)
    say("Stopped; the data stay.")


def _is_supervised(options: RunOptions) -> bool:
    if processes.read_pid_file(supervisor.pid_file(options.region)):
        return True
    if not supervisor.state_file(options.region).exists():  # it ended in order, and took this away first
        return False
    say("The supervisor was killed: another takes over.")
    _start_supervisor(options)
    return True


def end_as_ctrl_c(numbers: Sequence[signal.Signals], *, ignored: bool = False) -> None:
    """Let these signals end us as Ctrl-C does, so that a closed terminal stops everything in order too.

    Args:
        numbers: the signals.
        ignored: from now on they do nothing instead.
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in numbers:
        signal.signal(number, signal.SIG_IGN if ignored else interrupt)
