"""Weigh the maps of successive years together: changes that are real are kept, flicker is not."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ml.compute.change import compare_maps
from ml.compute.commands.arguments import whole_number
from ml.compute.errors import RasterError
from ml.compute.files import written_aside
from ml.compute.stabilising import StabilityRule, stabilise_maps
from ml.compute.transitions import read_weights
from ml.compute.year_maps import YearMap
from ml.compute.year_writing import StabilityOutputs


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "maps", type=Path, nargs="+", metavar="YEAR.tif", help="class rasters of two years or more, the earliest first"
    )
    parser.add_argument("--confidence", type=Path, nargs="+", metavar="CONF.tif", help="one for each map, in order")
    parser.add_argument("--runner-ups", type=Path, nargs="+", metavar="RU.tif", help="one for each map, in order")
    add_rule_arguments(parser)
    parser.add_argument(
        "--out", type=Path, nargs="+", required=True, metavar="OUT.tif", help="class raster to write for each map"
    )
    parser.add_argument(
        "--strength",
        type=Path,
        metavar="S.tif",
        help="raster to write: a band for each step, chance 0-100 that the class differs, 255 = no data",
    )
    parser.add_argument(
        "--change", type=Path, metavar="CHANGE.tif", help="as `compare` writes it, of the last two years"
    )
    parser.add_argument("--table", type=Path, metavar="T.csv", help="as `compare` writes it, of the last two years")


def add_rule_arguments(parser: ArgumentParser) -> None:
    """Declare how much evidence a change needs."""
    parser.add_argument(
        "--persistence", type=_chance, metavar="P", help="chance that a class stays for a year (default: learned)"
    )
    parser.add_argument(
        "--transitions",
        type=Path,
        metavar="W.csv",
        help="columns from_class, to_class (a code, or * for any) and weight: 0 = impossible within a year, 1 = as "
        "any other change (the default)",
    )
    parser.add_argument(
        "--min-patch-px", type=whole_number, default=1, metavar="N", help="fewest cells of a change (default: 1)"
    )


def rule_of(args: Namespace) -> StabilityRule:
    """The rule that the arguments ask for.

    Raises:
        TransitionError: the table of changes cannot be used.
    """
    weights = read_weights(args.transitions) if args.transitions else None
    return StabilityRule(persistence=args.persistence, weights=weights, min_patch_px=args.min_patch_px)


def run(args: Namespace) -> dict[str, Any]:
    """Write the rasters; report what the rule did.

    Raises:
        ComputeError: a raster cannot be used, the grids differ, or the disk is full.
    """
    count = len(args.maps)
    for option in ("confidence", "runner_ups", "out"):
        given = getattr(args, option)
        if given is not None and len(given) != count:
            name = option.replace("_", "-")
            raise RasterError(f"--{name} has {len(given)} file(s) for {count} maps; give one for each, in order.")
    years = [
        YearMap(classes, confidence, runner_ups)
        for classes, confidence, runner_ups in zip(
            args.maps, args.confidence or [None] * count, args.runner_ups or [None] * count, strict=True
        )
    ]
    counts = stabilise_maps(years, StabilityOutputs(tuple(args.out), args.strength), rule_of(args))
    if args.change or args.table:
        table = compare_maps(args.out[-2], args.out[-1], out=args.change)
        if args.table:
            with written_aside(args.table) as aside:
                table.to_csv(aside, index=False, encoding="utf-8")
    return {**asdict(counts), "out": [str(path) for path in args.out]}


def _chance(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < 1:
        raise ArgumentTypeError(f"'{text}' is not a chance between 0 and 1")
    return number
