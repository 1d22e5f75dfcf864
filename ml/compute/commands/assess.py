"""Estimate the accuracy of a map and its areas from an audit sample, with intervals."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ml.compute.assessment import FEWEST_POINTS, assess_levels, assess_points
from ml.compute.audit_tables import areas_from_points, read_areas, read_confusion, read_points
from ml.compute.commands.arguments import whole_number
from ml.compute.errors import AuditError
from ml.compute.files import written_aside
from ml.compute.hierarchy import Hierarchy
from ml.compute.region.legend import read_legend


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--samples",
        type=Path,
        metavar="AUDIT.csv",
        help="points: columns stratum, map, reference, and stratum_area (area of the whole stratum) or weight (area "
        "or cells that the point stands for, or the stratum's share of the map), unless --areas is given",
    )
    source.add_argument(
        "--confusion",
        type=Path,
        metavar="C.csv",
        help="counts of points: a row per map class (named in the first column), a column per reference class; the "
        "strata are the map classes; needs --areas",
    )
    parser.add_argument(
        "--areas", type=Path, metavar="A.csv", help="two columns: stratum or class, and its area in any unit"
    )
    parser.add_argument(
        "--min-points",
        type=whole_number,
        default=FEWEST_POINTS,
        metavar="N",
        help="under N points a figure reads 'not assessable' (default: %(default)s)",
    )
    parser.add_argument(
        "--legend", type=Path, metavar="L.csv", help="legend with parents: the report adds `levels`, from the top down"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="R.json", help="report to write")


def run(args: Namespace) -> dict[str, Any]:
    """Write the report, which is also the answer.

    Raises:
        ComputeError: a table cannot be used, or the disk is full.
    """
    if args.confusion is not None and args.areas is None:
        raise AuditError("--confusion needs the mapped area of each class; give them with --areas A.csv.")
    points = read_points(args.samples) if args.samples is not None else read_confusion(args.confusion)
    areas = read_areas(args.areas) if args.areas is not None else areas_from_points(points, args.samples)
    report = assess_points(points, areas, fewest_points=args.min_points).as_json()
    if args.legend is not None:
        hierarchy = Hierarchy.of_legend(read_legend(args.legend))
        report["levels"] = assess_levels(points, areas, hierarchy, fewest_points=args.min_points)
    with written_aside(args.out) as aside:
        aside.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return {**report, "out": str(args.out)}
