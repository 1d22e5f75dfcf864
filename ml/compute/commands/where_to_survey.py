"""Propose the places where one more relevé or point of control would teach most."""

import argparse
from collections import Counter
from pathlib import Path

from ml.compute.commands.arguments import add_map_products, distance, seed, whole_number
from ml.compute.energy import Meter
from ml.compute.map_products import MapProducts
from ml.compute.place_tables import write_places
from ml.compute.samples import read_sample_file
from ml.compute.survey_places import SurveyPlan
from ml.compute.survey_plans import plan_survey


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_map_products(parser)
    parser.add_argument("--samples", type=Path, required=True, help="the samples that the map was learned from")
    parser.add_argument("--field", default="code", help="column of their class (default: code)")
    parser.add_argument(
        "--stack", nargs="+", type=Path, default=[], help="the stack mapped: places unlike any sample count too"
    )
    parser.add_argument("--count", type=whole_number, default=100, help="places to propose (default: %(default)s)")
    parser.add_argument(
        "--distance", type=distance, default=500.0, help="least metres between places (default: %(default)s)"
    )
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--out", type=Path, required=True, help="table to write: .gpkg with points, or .csv")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Write the places, the best first.

    Returns:
        How many, by reason, with seconds, CPU seconds, energy and memory.
    """
    with Meter() as meter:
        products = MapProducts(args.classes, args.confidence, args.runner_ups)
        samples = read_sample_file(args.samples, field=args.field)
        plan = SurveyPlan(args.count, args.distance, args.seed)
        table = plan_survey(products, samples, plan, stack_paths=args.stack)
        write_places(table, args.out, layer="places")
    reasons = Counter(word for words in table["reasons"] for word in words.split(";"))
    return {"places": len(table), "reasons": dict(reasons), **meter.as_json(), "out": str(args.out)}
