"""Map each cell at its class where the model is sure, at the parent of the legend where it is not."""

import argparse
from pathlib import Path
from typing import Any

from ml.compute.commands.arguments import add_map_products, percent
from ml.compute.errors import ModelFileError
from ml.compute.fallback_maps import write_fallback
from ml.compute.hierarchy import Hierarchy, labels_of_confusion, score_levels
from ml.compute.map_products import MapProducts
from ml.compute.model_files import load_model
from ml.compute.region.legend import LegendRow, read_legend
from ml.compute.samples import read_sample_file
from ml.compute.scores import score_class_map


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_map_products(parser)
    parser.add_argument("--legend", type=Path, required=True, help="legend.csv, with its column parent_code")
    rule = parser.add_mutually_exclusive_group(required=True)
    rule.add_argument("--model", type=Path, help="the model that made the map: its threshold is used")
    rule.add_argument("--threshold", type=percent, help="least confidence that a code needs, 1-100")
    parser.add_argument("--out", type=Path, required=True, help="class raster to write (0 = no data)")
    parser.add_argument("--support", type=Path, help="confidence in what is published, 0-100, 255 = no data")
    parser.add_argument("--samples", type=Path, help="samples: those marked test score the map at every level")
    parser.add_argument("--field", default="code", help="column of their class (default: code)")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Write the rasters.

    Returns:
        The threshold, counts of cells, and with samples the scores at each level.
    """
    legend = read_legend(args.legend)
    threshold = args.threshold if args.threshold is not None else _threshold_of(args.model)
    products = MapProducts(args.classes, args.confidence, args.runner_ups)
    counts = write_fallback(products, legend, threshold, args.out, support=args.support)
    levels = {"levels": _levels(args, legend)} if args.samples else {}
    return {"threshold": threshold, **counts, **levels, "out": str(args.out)}


def _threshold_of(path: Path) -> int:
    rule = (load_model(path).report.get("held_out") or {}).get("fallback")
    if rule is None:
        raise ModelFileError(
            f"{path}: the model has no threshold: it was trained without a legend with parents; train it with "
            "--legend, or give --threshold."
        )
    return int(rule["threshold"])


def _levels(args: argparse.Namespace, legend: tuple[LegendRow, ...]) -> list[dict[str, Any]]:
    scores = score_class_map(args.classes, read_sample_file(args.samples, field=args.field), field=args.field)
    truth, predicted = labels_of_confusion(scores.confusion)
    return [one.as_json() for one in score_levels(truth, predicted, Hierarchy.of_legend(legend))]
