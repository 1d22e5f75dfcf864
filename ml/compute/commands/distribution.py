"""Map where a species finds what it needs, as relative suitability (not a probability)."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.compute.commands.arguments import seed, whole_number
from ml.compute.distribution import make_model
from ml.compute.distribution_file import load_distribution, save_distribution
from ml.compute.errors import DistributionError
from ml.compute.files import written_aside
from ml.compute.suitability_maps import map_suitability


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    steps = parser.add_subparsers(dest="step", required=True, metavar="fit|predict")
    fit = steps.add_parser("fit", help="learn from a table of presences and one of background points")
    fit.add_argument(
        "--presences", type=Path, required=True, metavar="P.csv", help="one row per record (CSV or Parquet)"
    )
    fit.add_argument(
        "--background", type=Path, required=True, metavar="B.csv", help="points of the whole region, e.g. 10,000"
    )
    fit.add_argument(
        "--predictors", nargs="+", metavar="NAME", help="columns to learn from (default: all those of both tables)"
    )
    fit.add_argument("--categorical", nargs="*", default=[], metavar="NAME", help="predictors whose values are names")
    fit.add_argument("--seed", type=seed, default=0, metavar="N", help="of every draw (default: 0)")
    fit.add_argument("--jobs", type=whole_number, default=1, metavar="N", help="threads (default: 1)")
    fit.add_argument("--out", type=Path, required=True, metavar="MODEL", help="model to write")
    predict = steps.add_parser("predict", help="apply a model to a table or to rasters")
    predict.add_argument("--model", type=Path, required=True, metavar="MODEL", help="model written by fit")
    source = predict.add_mutually_exclusive_group(required=True)
    source.add_argument("--table", type=Path, metavar="T.csv", help="rows with the predictors (CSV or Parquet)")
    source.add_argument(
        "--stack", type=Path, nargs="+", metavar="T.tif", help="rasters of one grid; band descriptions name predictors"
    )
    predict.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="OUT",
        help="a table with a column relative_suitability, 0-1, or a uint8 raster 0-100 (255 = no data)",
    )


def run(args: Namespace) -> dict[str, Any]:
    """Fit a model, or apply one.

    Raises:
        ComputeError: a table, a raster or the model cannot be used, or the disk is full.
    """
    return _fit(args) if args.step == "fit" else _predict(args)


def _fit(args: Namespace) -> dict[str, Any]:
    presences, background = _read_table(args.presences), _read_table(args.background)
    names = args.predictors or [name for name in presences.columns if name in background.columns]
    for table, path in ((presences, args.presences), (background, args.background)):
        missing = [name for name in names if name not in table]
        if missing:
            raise DistributionError(f"{path}: no column '{missing[0]}'; add it or leave it out of --predictors.")
    points = pd.concat([presences[names], background[names]], ignore_index=True)
    labels = np.repeat([1, 0], [len(presences), len(background)])
    model = make_model(args.categorical, seed=args.seed, n_jobs=max(1, args.jobs)).fit(points, labels)
    save_distribution(model, args.out)
    return {
        "presences": len(presences),
        "background": len(background),
        "predictors": names,
        "output_is": "relative suitability, not a probability",
        "out": str(args.out),
    }


def _predict(args: Namespace) -> dict[str, Any]:
    model = load_distribution(args.model)
    if args.stack:
        cells = map_suitability(model, args.stack, args.out)
        return {"cells": cells, "output_is": "relative suitability, not a probability", "out": str(args.out)}
    table = _read_table(args.table)
    table["relative_suitability"] = model.predict_proba(table)[:, 1].round(6)
    with written_aside(args.out) as aside:
        table.to_csv(aside, index=False, encoding="utf-8")
    return {"rows": len(table), "output_is": "relative suitability, not a probability", "out": str(args.out)}


def _read_table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise DistributionError(f"{path}: the file is missing; add it or correct the path.")
    try:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise DistributionError(f"{path}: not readable as a table; export it again as UTF-8 CSV.") from error
    if table.empty:
        raise DistributionError(f"{path}: the table has no row; add some.")
    return table
