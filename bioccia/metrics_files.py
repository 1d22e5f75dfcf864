"""Where the processes of the web server keep their counts, so that any of them can answer for all.

prometheus_client reads the environment when it is first imported: call this before Django starts.
"""

import os
from pathlib import Path


def share_counts(folder: Path) -> None:
    """Have this process count in a file of the folder; files of processes that ended are removed.

    Args:
        folder: made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*_*.db"):
        if not Path("/proc", file.stem.rpartition("_")[2]).exists():
            file.unlink(missing_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
