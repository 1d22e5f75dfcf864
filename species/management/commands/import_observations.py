"""`import_observations FILE --dataset NAME`: load observations of species."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.utils import timezone

from bioccia.commands import JsonCommand
from bioccia.tables import described_columns
from species.importers import import_observation_file
from species.importers.observations import DatasetFacts
from species.importers.occurrence_tables import ALIASES
from species.states import Diffusion, Precision


class Command(JsonCommand):
    """Load observations into a dataset, whole or not at all; again: update them."""

    help = (
        "Load observations from a Darwin Core archive, a CSV or a TSV table (.gz or not), whole or not at all; loading "
        "the same file again changes nothing. A region must be loaded: rows outside of it, without a position, or that "
        "say an absence, are left out and counted. The last line of output is a JSON report."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say all in --help."""
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = (
            f"Columns, by any of these headers (a latitude, a longitude and a taxon are needed):\n"
            f"{described_columns(ALIASES)}\n\n"
            "An archive is read through its meta.xml: occurrences as its core, or as an extension of a Taxon core.\n"
            "Positions are decimal degrees WGS 84, with a point or a comma. Dates are ISO 8601 or 31/12/2024.\n"
            "Sensitivity: 0 exact, 1 commune, 2 10 km cell, 3 department, 4 nothing is shown."
        )
        parser.add_argument("file", type=Path, metavar="FILE", help="the table or the archive")
        parser.add_argument("--dataset", required=True, metavar="NAME", help="name of the dataset, made if it is new")
        parser.add_argument("--source", default="", help="where the dataset comes from")
        parser.add_argument("--licence", default="", help="its licence")
        parser.add_argument("--owner", default="", help="the partner that owns the raw observations")
        parser.add_argument(
            "--diffusion",
            choices=Diffusion.values,
            default="",
            help="what its convention lets everybody see: standard (by commune, the default) or precise",
        )
        parser.add_argument("--taxon", metavar="NAME", default="", help="the taxon, where no column names it")
        parser.add_argument(
            "--sensitivity",
            type=int,
            choices=Precision.values,
            default=Precision.EXACT.value,
            help="least level of every row (default: 0)",
        )
        parser.add_argument("--encoding", default="utf-8", help="encoding of a table's text (default: utf-8)")

    def play(self, **options: Any) -> dict[str, Any]:
        """Import and count."""
        names = ("source", "licence", "owner", "diffusion", "taxon", "sensitivity")
        report = import_observation_file(
            options["file"],
            dataset_name=options["dataset"],
            at=timezone.now(),
            facts=DatasetFacts(**{name: options[name] for name in names}),
            encoding=options["encoding"],
        )
        for sentence in report.skipped_sentences():
            self.say(sentence)
        return report.as_json()
