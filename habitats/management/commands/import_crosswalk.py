"""`import_crosswalk FILE`: load the correspondences between two typologies."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from bioccia.commands import JsonCommand
from bioccia.tables import described_columns
from habitats.importers.crosswalks import ALIASES, RELATIONS, CrosswalkChoices, import_crosswalk_file


class Command(JsonCommand):
    """Load a crosswalk, whole or not at all; again: replace the rows of its edition."""

    help = (
        "Load the correspondences between two typologies from a CSV or TSV table (.gz or not), whole or not at all. "
        "Both typologies must be loaded. Loading it again replaces the rows of the same edition. "
        "The last line printed is a JSON report, with the rows left out and why."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say all in --help."""
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = (
            f"Columns, by any of these headers (the two codes are needed):\n{described_columns(ALIASES)}\n\n"
            f"Relations, kept as published: {' '.join(RELATIONS[1:])}, empty (unknown), NC (none: left out).\n"
            "A file called xwalk_A_to_B.csv says its typologies by its name. A habitat is found by its HABREF\n"
            "number first, then by its code. Rows that give neither on one side are left out and counted."
        )
        parser.add_argument("file", type=Path, metavar="FILE", help="the table")
        parser.add_argument(
            "--from", dest="from_typology", metavar="CODE", default="", help="typology of the left side"
        )
        parser.add_argument("--to", dest="to_typology", metavar="CODE", default="", help="typology of the right side")
        parser.add_argument("--edition", default="", help="edition of the crosswalk (default: that of HABREF)")
        parser.add_argument("--source", default="", help="where it comes from, and its licence")
        parser.add_argument("--skip-unknown", action="store_true", help="leave out rows with unknown codes, counted")
        parser.add_argument("--encoding", default="utf-8", help="encoding of the text (default: utf-8)")

    def play(self, **options: Any) -> dict[str, Any]:
        """Import and count."""
        names = ("from_typology", "to_typology", "edition", "source", "skip_unknown")
        choices = CrosswalkChoices(**{name: options[name] for name in names})
        report = import_crosswalk_file(options["file"], choices=choices, encoding=options["encoding"])
        for sentence in report.skipped_sentences():
            self.say(sentence)
        return report.as_json()
