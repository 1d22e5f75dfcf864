"""List the samples that contradict one another, or what samples elsewhere say of such ground."""

import argparse
from collections import Counter
from pathlib import Path

from ml.compute.commands.arguments import seed
from ml.compute.energy import Meter
from ml.compute.hierarchy import NO_HIERARCHY, Hierarchy
from ml.compute.place_tables import write_places
from ml.compute.region.legend import read_legend
from ml.compute.sample_review import review_samples
from ml.compute.samples import read_sample_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--stack", nargs="+", type=Path, required=True, help="rasters on one grid")
    parser.add_argument("--samples", type=Path, required=True, help="polygons or points with their class")
    parser.add_argument("--field", default="code", help="column of the class (default: code)")
    parser.add_argument("--legend", type=Path, help="legend.csv: a code and its parent do not contradict each other")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--out", type=Path, required=True, help="table to write: .csv, or .gpkg with points")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Review the samples, write the table; no sample is changed or dropped.

    Returns:
        Counts by kind, with seconds, CPU seconds, energy and memory.
    """
    with Meter() as meter:
        samples = read_sample_file(args.samples, field=args.field)
        hierarchy = Hierarchy.of_legend(read_legend(args.legend)) if args.legend else NO_HIERARCHY
        table = review_samples(args.stack, samples, hierarchy=hierarchy, seed=args.seed)
        write_places(table, args.out, layer="contradictions")
    return {
        "samples": len(samples),
        "contradictions": len(table),
        "by_kind": dict(Counter(table["kind"])),
        **meter.as_json(),
        "out": str(args.out),
    }
