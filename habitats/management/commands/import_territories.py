"""`import_territories FILE`: territories alone, before any stack."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from bioccia.commands import JsonCommand
from bioccia.errors import BiocciaError
from habitats.importers.territories import import_territories
from ml.compute.errors import ComputeError
from territories.states import TerritoryKind


class Command(JsonCommand):
    """Import territories."""

    help = (
        "Import territories from a file with one layer per kind (code, name, parent_code, and epci_code on communes). "
        "Importing again updates. The last line of output is JSON: the number of territories by kind."
    )
    expected_errors = (BiocciaError, ComputeError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file, its layers and the projection of measures."""
        parser.add_argument("file", type=Path, metavar="FILE", help="a GeoPackage, for one")
        parser.add_argument(
            "--kinds",
            nargs="+",
            default=TerritoryKind.values,
            choices=TerritoryKind.values,
            help="layers to read, from the widest to the narrowest; default: %(default)s",
        )
        parser.add_argument("--epsg", type=int, default=2154, help="projection of areas; default: %(default)s")

    def play(self, **options: Any) -> dict[str, Any]:
        """Import and count."""
        return import_territories(
            options["file"],
            kinds=options["kinds"],
            epsg=options["epsg"],
            slug=settings.REGION_SLUG,
            at=timezone.now(),
        )
