"""`import_typology FILE`: load a typology from a table."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from bioccia.commands import JsonCommand
from bioccia.tables import described_columns
from habitats.importers.known_tables import KNOWN_TYPOLOGIES
from habitats.importers.typologies import ALIASES, import_typology_file


class Command(JsonCommand):
    """Load a typology, whole or not at all; again: update it."""

    help = (
        "Load a typology of habitats from a CSV or TSV table (.gz or not), whole or not at all. "
        "Loading it again updates it and removes nothing. The last line printed is a JSON report."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say all in --help."""
        parser.formatter_class = RawDescriptionHelpFormatter
        known = "\n".join(f"  {name + '.csv':22} {facts.code}" for name, facts in KNOWN_TYPOLOGIES.items())
        parser.epilog = (
            f"Columns, by any of these headers (only the code is needed):\n{described_columns(ALIASES)}\n\n"
            f"Files that say by their name what they hold:\n{known}\n\n"
            "A habitat without a code, or whose code stands twice, is stored under cd_hab:NUMBER."
        )
        parser.add_argument("file", type=Path, metavar="FILE", help="the table")
        parser.add_argument("--typology", metavar="CODE", default="", help="code of the typology, e.g. EUNIS2012")
        parser.add_argument("--name", default="", help="its name for people")
        parser.add_argument("--edition", default="", help="its edition, e.g. 2012")
        parser.add_argument("--source", default="", help="where it comes from, and its licence")
        parser.add_argument(
            "--side", choices=["from", "to"], default="", help="take the habitats of one side of a crosswalk table"
        )
        parser.add_argument("--encoding", default="utf-8", help="encoding of the text (default: utf-8)")

    def play(self, **options: Any) -> dict[str, Any]:
        """Import and count."""
        facts = {"code": options["typology"], **{name: options[name] for name in ("name", "edition", "source")}}
        report = import_typology_file(options["file"], facts=facts, side=options["side"], encoding=options["encoding"])
        for notice in report.notices:
            self.say(notice)
        return report.as_json()
