"""Say which polygon of a map became which polygon of the next one."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ml.compute.commands.arguments import distance
from ml.compute.errors import LineageError
from ml.compute.files import written_aside
from ml.compute.lineage import PolygonLayer, trace_lineage
from ml.compute.vectors import most_detailed_layer, read_layer

CELL_M = 10.0


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("before", type=Path, metavar="A.gpkg", help="polygons of the earlier map")
    parser.add_argument("after", type=Path, metavar="B.gpkg", help="polygons of the later map")
    parser.add_argument("--code-field", default="code", metavar="F", help="column of the habitat (default: code)")
    parser.add_argument(
        "--id-field", metavar="F", help="column of the identifiers (default: the place of the row, from 1)"
    )
    parser.add_argument(
        "--cell-m",
        type=distance,
        default=CELL_M,
        metavar="M",
        help="side of the cells that are counted (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="LINEAGE.csv", help="table to write")


def run(args: Namespace) -> dict[str, Any]:
    """Write the table; report how many polygons had which fate.

    Raises:
        ComputeError: a file cannot be used, or the disk is full.
    """
    layers = [_layer_of(path, args) for path in (args.before, args.after)]
    table = trace_lineage(layers[0], layers[1], cell_m=args.cell_m)
    with written_aside(args.out) as aside:
        table.to_csv(aside, index=False, encoding="utf-8")
    fates = {str(fate): int(rows) for fate, rows in table["relation"].value_counts().sort_index().items()}
    return {"rows": len(table), **fates, "out": str(args.out)}


def _layer_of(path: Path, args: Namespace) -> PolygonLayer:
    polygons = read_layer(path, layer=most_detailed_layer(path), error=LineageError)
    return PolygonLayer(polygons, args.code_field, args.id_field)
