"""`close_round ROUND`: close an open round from the console."""

from feedback.actions import close_round
from feedback.management.round_command import RoundCommand


class Command(RoundCommand):
    """Close a round, whatever its dates say, as its operator."""

    help = (
        "Close an open round at once. Drafts are kept, and may be sent until its grace ends. "
        "The last line of output is a JSON report."
    )
    act = staticmethod(close_round)
