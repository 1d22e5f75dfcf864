"""`open_round ROUND`: open a planned round from the console."""

from feedback.actions import open_round
from feedback.management.round_command import RoundCommand


class Command(RoundCommand):
    """Open a round, whatever its dates say, as its operator."""

    help = "Open a planned round at once. The last line of output is a JSON report."
    act = staticmethod(open_round)
