"""`python3 -m bioccia.lifecycle COMMAND`: what the Makefile calls, with whatever Python the system has."""

import argparse
import errno
import signal
import sys
from collections.abc import Callable

from bioccia.lifecycle import environment, paths, run, services, setup, stop
from bioccia.lifecycle.errors import LifecycleError
from bioccia.lifecycle.steps import run_steps, say


def _run(options: argparse.Namespace) -> None:
    run.end_as_ctrl_c([signal.SIGTERM, signal.SIGHUP])
    run.run(run.read_options(port=options.port, region=options.region, detach=options.detach))


def _setup(_options: argparse.Namespace) -> None:
    setup.check_place()
    run_steps(setup.setup_steps())


def _setup_tests(_options: argparse.Namespace) -> None:
    setup.check_place()
    run_steps(setup.test_steps())


def _services(_options: argparse.Namespace) -> None:
    setup.check_place()
    services.start()
    services.ensure_database(paths.region_name())


def _stop(_options: argparse.Namespace) -> None:
    stopped = stop.stop_everything()
    say(f"Stopped: {', '.join(stopped)}." if stopped else "No run of this folder was under way.")


def _clean(_options: argparse.Namespace) -> None:
    stop.clean()
    say(f"{paths.var_dir()} is removed.")


COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], None], str]] = {
    "run": (_run, "set up, play the demonstration, serve"),
    "setup": (_setup, "install everything the platform needs"),
    "setup-tests": (_setup_tests, "install everything the tests need"),
    "services": (_services, "start the database server and the broker, and leave them running"),
    "stop": (_stop, "stop what was started"),
    "clean": (_clean, "stop what was started and remove var/"),
}


def main() -> int:
    """Run one command of the lifecycle; 0 when it is done, 1 after a sentence that says why not."""
    parser = argparse.ArgumentParser(prog="python3 -m bioccia.lifecycle")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (action, words) in COMMANDS.items():
        command = commands.add_parser(name, help=words)
        command.set_defaults(action=action)
        if name == "run":
            command.add_argument("--port", default="")
            command.add_argument("--region", default="", metavar="DIR")
            command.add_argument("--detach", default="")
    options = parser.parse_args()
    environment.load_dotenv()
    return _told(options)


def _told(options: argparse.Namespace) -> int:
    try:
        options.action(options)
    except LifecycleError as error:
        print(f"\n{error}", file=sys.stderr)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}:
            raise
        print(f"\n{error.filename or paths.var_dir()}: {error.strerror}; free it, then try again.", file=sys.stderr)
    except KeyboardInterrupt:
        say("\nStopped; the data stay.")
        return 130
    else:
        return 0
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
