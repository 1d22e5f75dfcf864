"""Learn a class map from samples on a stack."""

import argparse
import json
from pathlib import Path

from ml.compute.commands.arguments import seed
from ml.compute.energy import Meter
from ml.compute.files import written_aside
from ml.compute.region.legend import read_legend
from ml.compute.samples import read_sample_file
from ml.compute.training import MODES, TrainingOptions, save_model, train_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--stack", nargs="+", type=Path, required=True, help="rasters on one grid")
    parser.add_argument("--samples", type=Path, required=True, help="polygons or points with their class")
    parser.add_argument("--field", default="code", help="column of the class (default: code)")
    parser.add_argument("--group", help="column that keeps samples together on one side of a split")
    parser.add_argument("--mode", choices=MODES, default="accurate")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--legend", type=Path, help="legend.csv: order and colours of the classes")
    parser.add_argument("--out", type=Path, required=True, help="the model file")
    parser.add_argument("--report", type=Path, help="what was learned from what, as JSON")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Train, write the model and the report.

    Returns:
        The report, with seconds, CPU seconds, energy and memory.
    """
    with Meter() as meter:
        options = TrainingOptions(
            group=args.group,
            mode=args.mode,
            seed=args.seed,
            legend=read_legend(args.legend) if args.legend else (),
        )
        samples = read_sample_file(args.samples, field=args.field)
        model = train_model(args.stack, samples, options=options)
        save_model(model, args.out)
    report: dict[str, object] = {**model.report, **meter.as_json(), "model": str(args.out)}
    if args.report:
        with written_aside(args.report) as aside:
            aside.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
    return report
