"""Make the predictors of a year of a region folder, or verify them against their manifest."""

import argparse
import sys
from pathlib import Path
from typing import Any

from ml.compute.energy import Meter
from ml.compute.predictors.building import BuildOptions, build_predictors
from ml.compute.predictors.stack_manifest import verify_stack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `build` and `verify`."""
    actions = parser.add_subparsers(required=True, metavar="build|verify")
    build = actions.add_parser("build", help="make what predictors.toml asks for; what is made already is left")
    build.add_argument("region", type=Path, metavar="DIR", help="region folder with region.toml and predictors.toml")
    build.add_argument("--year", type=int, required=True, help="the year of stack/YEAR/")
    build.add_argument("--only", nargs="+", default=[], metavar="FILE", help="sections to make, by their file")
    build.add_argument("--again", action="store_true", help="make them anew, as when a catalogue has new images")
    build.set_defaults(action=_build)
    verify = actions.add_parser("verify", help="compare the files of a year with its manifest")
    verify.add_argument("region", type=Path, metavar="DIR", help="region folder")
    verify.add_argument("--year", type=int, required=True, help="the year of stack/YEAR/")
    verify.set_defaults(action=_verify)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Build or verify.

    Raises:
        ComputeError: the recipe, a source or a file is at fault.
    """
    answer: dict[str, Any] = args.action(args)
    return answer


def _build(args: argparse.Namespace) -> dict[str, Any]:
    with Meter() as meter:
        options = BuildOptions(tuple(args.only), again=args.again)
        report = build_predictors(args.region, args.year, options, _print_progress)
    return {**report, **meter.as_json()}


def _verify(args: argparse.Namespace) -> dict[str, Any]:
    return {"verified": True, **verify_stack(args.region / "stack" / str(args.year))}


def _print_progress(file: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{file}: {done}/{total} windows" + ("\n" if done == total else ""))
