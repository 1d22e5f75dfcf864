"""The engine from a shell: `python -m ml.compute COMMAND --help`. The last line printed is JSON."""

import argparse
import json
import pkgutil
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from ml.compute import commands
from ml.compute.errors import ComputeError

EXIT_BAD_INPUT = 2


class Command(Protocol):
    """A module of ml.compute.commands."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""

    def run(self, args: argparse.Namespace) -> dict[str, object]:
        """Do it; what it returns is printed as JSON."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: words after the program's name; those of the process where None.

    Returns:
        0, or 2 with one sentence on standard error where the input is at fault.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    args = _parser(words).parse_args(words)
    try:
        result = args.command.run(args)
    except ComputeError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_BAD_INPUT
    sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    return 0


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.compute", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    names = [module.name for module in pkgutil.iter_modules(commands.__path__)]
    # Imports are slow: only the command asked for is loaded, all of them for the general help.
    wanted = [name for name in names if words and name == words[0].replace("-", "_")] or names
    for name in wanted:
        command = cast("Command", import_module(f"{commands.__name__}.{name}"))
        if not hasattr(command, "run"):
            continue
        summary = (command.__doc__ or name).splitlines()[0]
        subparser = subparsers.add_parser(name.replace("_", "-"), help=summary.replace("%", "%%"), description=summary)
        command.add_arguments(subparser)
        subparser.set_defaults(command=command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
