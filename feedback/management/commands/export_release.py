"""`export_release RELEASE DIR`: copy the files of a published release into a folder, and verify them there."""

from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from bioccia.commands import JsonCommand
from bioccia.errors import BiocciaError, InvalidFieldsError, StateForbidsError
from feedback.models import Release
from feedback.queries.releases import latest_release, public_release
from feedback.release_folders import export_folder
from feedback.states import ReleaseState
from ml.compute.errors import ComputeError
from ml.compute.publishing.verify import verify_folder


class Command(JsonCommand):
    """Gives what everybody may download."""

    help = "Copy a published release (YEAR.N, or YEAR for the latest) into a new folder."
    expected_errors: ClassVar[tuple[type[Exception], ...]] = (BiocciaError, ComputeError)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("release", metavar="RELEASE", help="YEAR.N, or YEAR for the latest one")
        parser.add_argument("folder", type=Path, metavar="DIR", help="folder to write, new or empty")

    def play(self, **options: Any) -> dict[str, Any]:
        """Copy and verify."""
        release = _release_named(options["release"])
        hashes = export_folder(release, options["folder"])
        return {**verify_folder(options["folder"]), "folder": str(options["folder"]), "sha256": hashes}


def _release_named(name: str) -> Release:
    year, _point, number = name.partition(".")
    release = None
    if year.isdecimal() and (number.isdecimal() or not number):
        release = public_release(int(year), int(number)) if number else latest_release(int(year))
    if release is None:
        raise InvalidFieldsError(
            _("There is no published release %(name)s; the page of releases lists them.") % {"name": name}
        )
    if release.state == ReleaseState.WITHDRAWN:
        raise StateForbidsError(
            _("Release %(release)s was withdrawn: %(reason)s") % {"release": release, "reason": release.ended_reason}
        )
    return release
