"""`open_audit YEAR`: open the audit sample of a year for its working vintage."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.commands import JsonCommand
from bioccia.errors import InvalidFieldsError
from feedback.actions import open_audit_at_gate
from habitats.models import Vintage
from habitats.queries import audit_of
from habitats.states import VintageState


class Command(JsonCommand):
    """Open the sealed points once, and print what they say of the map."""

    help = (
        "Compare the sealed points of a year, whose labelling is closed, with the corrected polygons of its working "
        "vintage. This is done once. The last line of output is the assessment as JSON."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the year."""
        parser.add_argument("year", type=int, metavar="YEAR", help="year of a working vintage")
        parser.add_argument("--json", type=str, metavar="FILE", help="also write the assessment to a file")

    def play(self, **options: Any) -> dict[str, Any]:
        """Open."""
        audit = audit_of(options["year"])
        vintage = Vintage.objects.filter(year=options["year"], state=VintageState.WORKING).first()
        if audit is None or vintage is None:
            raise InvalidFieldsError(
                _("%(year)s has no audit sample, or no working vintage to assess.") % {"year": options["year"]}
            )
        return open_audit_at_gate(audit=audit, vintage=vintage, by=None, at=timezone.now())
