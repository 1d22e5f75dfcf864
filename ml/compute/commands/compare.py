"""Say what each class of a map became in another map of the same grid."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ml.compute.change import compare_maps
from ml.compute.commands.stabilise import add_rule_arguments, rule_of
from ml.compute.errors import RasterError
from ml.compute.files import written_aside
from ml.compute.stabilising import stabilise_maps
from ml.compute.year_maps import YearMap
from ml.compute.year_writing import StabilityOutputs


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("before", type=Path, metavar="A.tif", help="class raster, 0 = no data")
    parser.add_argument("after", type=Path, metavar="B.tif", help="class raster on the same grid")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="CHANGE.tif",
        help="raster to write: class in A * 65536 + class in B, 0 where one of them has no data",
    )
    parser.add_argument(
        "--table",
        type=Path,
        required=True,
        metavar="T.csv",
        help="table to write: from_class, to_class, cells, area_m2, unchanged classes included; with --strength also "
        "strength (mean chance of a change, 0-100) and expected_area_m2 (area times that chance)",
    )
    parser.add_argument("--confidence-a", type=Path, metavar="CA.tif", help="confidence of A: 0-100, 255 = no data")
    parser.add_argument("--confidence-b", type=Path, metavar="CB.tif", help="confidence of B")
    parser.add_argument("--runner-ups-a", type=Path, metavar="RA.tif", help="second and third class of A")
    parser.add_argument("--runner-ups-b", type=Path, metavar="RB.tif", help="second and third class of B")
    parser.add_argument(
        "--strength",
        type=Path,
        metavar="S.tif",
        help="raster to write: chance 0-100 that the class differs, both years weighed together; 255 = no data",
    )
    add_rule_arguments(parser)


def run(args: Namespace) -> dict[str, Any]:
    """Write the change raster and the table; report how much changed.

    Raises:
        ComputeError: a raster cannot be used, the grids differ, or the disk is full.
    """
    _weigh(args)
    table = compare_maps(args.before, args.after, out=args.out, strength_path=args.strength)
    with written_aside(args.table) as aside:
        table.to_csv(aside, index=False, encoding="utf-8")
    changed = table[table["from_class"] != table["to_class"]]
    return {
        "cells": int(table["cells"].sum()),
        "cells_changed": int(changed["cells"].sum()),
        "area_changed_ha": round(float(changed["area_m2"].sum()) / 10_000, 4),
        "out": str(args.out),
        "table": str(args.table),
    }


def _weigh(args: Namespace) -> None:
    """Write how strong each change is, where that is asked for."""
    companions = (args.confidence_a, args.confidence_b, args.runner_ups_a, args.runner_ups_b)
    if args.strength is not None:
        before = YearMap(args.before, args.confidence_a, args.runner_ups_a)
        after = YearMap(args.after, args.confidence_b, args.runner_ups_b)
        stabilise_maps([before, after], StabilityOutputs(strength=args.strength), rule_of(args))
    elif any(companions):
        raise RasterError("Confidences say how strong a change is: name the raster to write with --strength S.tif.")
