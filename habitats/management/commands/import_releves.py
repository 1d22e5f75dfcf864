"""`import_releves FILE --dataset NAME --user EMAIL [--dry-run]`: relevés from a file, whole or not at all."""

import dataclasses
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.commands import JsonCommand
from bioccia.errors import InvalidFieldsError
from bioccia.tables import described_columns
from habitats.importers.releve_files import ALL_ALIASES
from habitats.importers.releves import import_releve_file
from territories.models import User


class Command(JsonCommand):
    """Import relevés."""

    help = (
        "Import relevés from a CSV, an XLSX or a GeoPackage into a dataset, as submitted ones that wait for a "
        "scientific validator. Whole or not at all; the same file again changes nothing. The last line of output is "
        "JSON.\n\nColumns are recognised by these headers (case and accents do not matter):\n\n"
        + described_columns(ALL_ALIASES)
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file, the dataset, the person."""
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--dataset", required=True, metavar="NAME", help="dataset they go to; made if absent")
        parser.add_argument("--user", required=True, metavar="EMAIL", help="the botanist who sends them")
        parser.add_argument("--dry-run", action="store_true", help="check the file and write nothing")

    def play(self, **options: Any) -> dict[str, Any]:
        """Import and count."""
        report = import_releve_file(
            options["file"],
            dataset_name=options["dataset"],
            by=_person(options["user"]),
            at=timezone.now(),
            dry_run=options["dry_run"],
        )
        for notice in report.notices:
            self.say(notice)
        return dataclasses.asdict(report)


def _person(email: str) -> User:
    person = User.objects.filter(email__iexact=email).select_related("organisation").first()
    if person is None:
        raise InvalidFieldsError(_("Nobody here has the address %(email)s.") % {"email": email})
    return person
