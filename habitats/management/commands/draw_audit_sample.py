"""`draw_audit_sample --year Y --size N --seed S`: draw the audit sample of a year before it is mapped."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from bioccia.commands import JsonCommand
from habitats.actions import draw_audit_sample
from habitats.queries import region_or_error


class Command(JsonCommand):
    """Draw the audit sample of a year; its points stay sealed."""

    help = (
        "Draw the audit sample of a year that nobody has begun to map. The seed and the hash are public at once, the "
        "points only once the audit is opened. The last line of output is JSON."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what to draw."""
        parser.add_argument("--year", type=int, required=True, help="a year with a stack and without a map")
        parser.add_argument("--size", type=int, default=500, help="points; default: %(default)s")
        parser.add_argument("--seed", type=int, required=True, help="a number announced beforehand")

    def play(self, **options: Any) -> dict[str, Any]:
        """Draw, and say what is public."""
        asked = {name: options[name] for name in ("year", "size", "seed")}
        audit = draw_audit_sample(region=region_or_error(), by=None, at=timezone.now(), **asked)
        return {**asked, "audit": str(audit), "sha256": audit.sha256, "points_by_stratum": audit.design["points"]}
