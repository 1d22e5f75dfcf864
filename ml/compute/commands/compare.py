"""Say what each class of a map became in another map of the same grid."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ml.compute.change import compare_maps
from ml.compute.files import written_aside


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
        help="table to write: from_class, to_class, cells, area_m2, unchanged classes included",
    )


def run(args: Namespace) -> dict[str, Any]:
    """Write the change raster and the table; report how much changed.

    Raises:
        ComputeError: a raster cannot be used, the grids differ, or the disk is full.
    """
    table = compare_maps(args.before, args.after, out=args.out)
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
