"""`play_demonstration`: a region, its people and two mapping years, with the workers that run."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from bioccia.commands import JsonCommand
from bioccia.errors import BiocciaError
from feedback.demonstration import Stage, play_demonstration
from ml.compute.errors import ComputeError


class Command(JsonCommand):
    """Play what has not been played yet."""

    help = (
        "Generate or import a region, open the demo accounts, play two mapping years with the running workers and "
        "publish their maps. What is done is not done again. The last line of output is JSON."
    )
    expected_errors = (BiocciaError, ComputeError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the folder and the size of the built-in region."""
        parser.add_argument("--folder", type=Path, metavar="DIR", help="a region folder instead of the built-in one")
        parser.add_argument(
            "--size-px", type=int, default=2000, help="cells on a side of the built-in region; default: %(default)s"
        )
        parser.add_argument("--seed", type=int, default=1, help="seed of the built-in region; default: %(default)s")

    def play(self, **options: Any) -> dict[str, Any]:
        """Play."""
        stage = Stage(say=self.say, folder=options["folder"], size_px=options["size_px"], seed=options["seed"])
        return play_demonstration(stage)
