"""Reports joined to another one end with it, or stand for themselves again where it is gone."""

import datetime

from feedback import notifications
from feedback.actions.log import Effect, make_move
from feedback.models import Report
from feedback.states import MoveReason, ReportState


def close_followers(master: Report, *, reply: str, at: datetime.datetime) -> None:
    """End the reports joined to one that was decided, and tell their authors what became of it."""
    master.merged.update(closed_at=at, updated_at=at, release=master.release)
    notifications.tell_followers(master, reply=reply, at=at)


def part_followers(master: Report, *, at: datetime.datetime) -> None:
    """Put the reports joined to one that was withdrawn or expired back into the queue: they were not about that."""
    parted = Effect(to=ReportState.SUBMITTED, changes={"master": None}, reason=MoveReason.MASTER_GONE)
    for report in master.merged.only("pk"):
        make_move(move="part", report=report, by=None, at=at, effect=lambda _held: parted)
