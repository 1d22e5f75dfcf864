"""Where a test session works: a folder of `var/test`, its own cluster and broker, found by its processes too."""

import fcntl
import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
_VARIABLE = "BIOCCIA_TEST_PLACE"


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
    # Never closed: the lock, and with it the place, goes with the process, however it ends.
    descriptor = os.open(place / ".taken", os.O_WRONLY | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
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
