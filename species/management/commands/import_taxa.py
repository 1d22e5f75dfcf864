"""`import_taxa FILE`: load the names of a reference list."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from bioccia.commands import JsonCommand
from bioccia.tables import described_columns
from species.importers.taxa import ALIASES, import_taxon_file


class Command(JsonCommand):
    """Load names of species, whole or not at all; again: update them."""

    help = (
        "Load the names of a reference list: a CSV or TSV table such as TAXREF (.gz or not), or a Darwin Core archive "
        "with a Taxon table. Whole or not at all; loading it again updates it and removes nothing. "
        "The last line of output is a JSON report."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say all in --help."""
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = (
            f"Columns, by any of these headers (a number, cd_nom or taxon_id, and the name are needed):\n"
            f"{described_columns(ALIASES)}\n\n"
            "Names that observations cited before are replaced by those of the list."
        )
        parser.add_argument("file", type=Path, metavar="FILE", help="the table or the archive")
        parser.add_argument(
            "--source", default="", help="name of the list (default: TAXREF where a column is CD_NOM, else the file's)"
        )
        parser.add_argument("--encoding", default="utf-8", help="encoding of a table's text (default: utf-8)")

    def play(self, **options: Any) -> dict[str, Any]:
        """Import and count."""
        report = import_taxon_file(options["file"], source=options["source"], encoding=options["encoding"])
        return report.as_json()
