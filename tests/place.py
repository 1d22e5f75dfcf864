"""Where a test session works: a numbered folder of `var/test`, its own cluster and broker, found again by its processes."""

import fcntl
import os
from pathlib import Path
from typing import TextIO

REPOSITORY = Path(__file__).resolve().parent.parent
_VARIABLE = "BIOCCIA_TEST_PLACE"
_held: list[TextIO] = []  # open for as long as the session lives: that is what keeps the place


def take_place() -> Path:
    """Take the first free place, so that several sessions may run at once; a child finds its parent's."""
    if _VARIABLE in os.environ:
        return Path(os.environ[_VARIABLE])
    number = 1
    while not _take(place := REPOSITORY / "var" / "test" / str(number)):
        number += 1
    os.environ[_VARIABLE] = str(place)
    return place


def _take(place: Path) -> bool:
    place.mkdir(parents=True, exist_ok=True)
    stream = (place / ".taken").open("w")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return False
    _held.append(stream)
    return True


def use_place() -> None:
    """Point the environment at the session's place, before the settings are read."""
    os.environ |= {
        "BIOCCIA_VAR": str(take_place()),
        # The region's database is the test database, so that workers and servers see what the tests write.
        "BIOCCIA_REGION": "test",
        "TEST_DATABASE": "bioccia_test",
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "SECRET_KEY": "known to everybody, of the tests only",
        "BIOCCIA_DEMONSTRATION": "true",
    }
