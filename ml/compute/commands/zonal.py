"""Measure the area of each class in each zone."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import pandas as pd

from ml.compute.errors import ZoneError
from ml.compute.files import written_aside
from ml.compute.vectors import most_detailed_layer, read_layer
from ml.compute.zonal import zonal_areas

LISTED = 20


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("classes", type=Path, metavar="CLASSES.tif", help="class raster, 0 = no data")
    parser.add_argument(
        "zones", type=Path, metavar="ZONES.gpkg", help="polygons; zones may overlap, and those of one name add up"
    )
    parser.add_argument("--zone-field", required=True, metavar="F", help="column that names the zones")
    parser.add_argument(
        "--zone-layer", metavar="L", help="layer of the zones; default: the only one, else the one of most zones"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="TABLE.csv", help="table to write: zone, class, area_m2"
    )


def run(args: Namespace) -> dict[str, Any]:
    """Write the table; report its size.

    Raises:
        ComputeError: the raster or the zones cannot be used, or the disk is full.
    """
    layer = args.zone_layer or most_detailed_layer(args.zones)
    zones = read_layer(args.zones, layer=layer, error=ZoneError)
    table = zonal_areas(args.classes, zones, args.zone_field)
    names = zones[args.zone_field]
    with written_aside(args.out) as aside:
        table.to_csv(aside, index=False, encoding="utf-8")
    return {
        "layer": layer,
        "zones": len(zones),
        "zone_names": int(names.nunique()),
        "zones_with_data": int(table["zone"].nunique()),
        "zones_without_data": _first_of(names[~names.isin(table["zone"])]),
        "names_of_several_zones": _first_of(names[names.duplicated()]),
        "rows": len(table),
        "area_ha": round(float(table["area_m2"].sum()) / 10_000, 4),
        "out": str(args.out),
    }


def _first_of(names: pd.Series) -> list[str]:
    """Some of the names: the last line of the output stays short."""
    return [str(name) for name in names.drop_duplicates()[:LISTED]]
