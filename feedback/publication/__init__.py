"""The publication of a signed release: from its map to files that anybody can verify, then public, at once.

Each step leaves a file and its hash, or rows, and is done once whatever is killed; nothing of it is public before the
last one, which is one transaction. The same signed map gives the same content hash: files carry no moment of the clock.
"""

import datetime
from collections.abc import Callable

from django.utils import timezone

from feedback.publication import documents, files, maps, standing
from ml.run_session import RunSession, Step, play_to_its_end, working_on

STEPS: tuple[tuple[str, Step, float], ...] = (
    ("burn_corrections", maps.burn_corrections, 4),
    ("redraw_low_zooms", maps.redraw_low_zooms, 6),
    ("recount_territories", maps.recount_territories, 6),
    ("write_polygons", files.write_polygons, 14),
    ("write_rasters", files.write_rasters, 5),
    ("write_tiles", files.write_tiles, 20),
    ("write_changes", files.write_changes, 6),
    ("write_accuracy", documents.write_accuracy, 1),
    ("write_card", documents.write_card, 1),
    ("publish", standing.publish, 2),
)


def play_publication(run_id: int, *, now: Callable[[], datetime.datetime] = timezone.now) -> None:
    """Play a publication from where it stands to its end or its failure; safe to call twice.

    Args:
        run_id: primary key of the run.
        now: the clock; the demonstration has its own.
    """
    with working_on(run_id, now=now) as session:
        if session is not None:
            play_to_its_end(session, STEPS, result_of)


def result_of(session: RunSession) -> dict[str, str]:
    """What a finished publication made."""
    return {name: session.outputs["publish"][name] for name in ("release", "content_sha256")}
