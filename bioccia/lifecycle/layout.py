"""The version of what stands under `var/`, so that an older one is recognised and not misread."""

from bioccia.lifecycle import paths
from bioccia.lifecycle.errors import LifecycleError

VERSION = 1


def check() -> None:
    """Recognise `var/`, or mark a new one.

    Raises:
        LifecycleError: it was made by another version of the platform.
    """
    folder = paths.var_dir()
    file = folder / "VERSION"
    if file.exists():
        found = file.read_text().strip()
        if found != str(VERSION):
            raise LifecycleError(
                f"{folder} was made by another version of bioccia (layout {found}, this one is {VERSION}): move it "
                "aside and run `make run` again, or erase it and its data with `make clean`."
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{VERSION}\n")
