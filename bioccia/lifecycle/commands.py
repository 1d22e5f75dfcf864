"""What a management command finds ready: its region named, the database and the broker up, the schema in place."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bioccia.lifecycle import environment, paths, schema, services

# Django's commands that read or write no table.
WITHOUT_DATABASE = frozenset(
    {
        "check", "collectstatic", "compilemessages", "diffsettings", "findstatic", "help", "makemessages",
        "spectacular", "startapp", "startproject", "version", "--help", "-h", "--version",
    }
)  # fmt: skip
OF_A_FOLDER = frozenset({"run_year", "import_region", "play_demonstration"})


def name_region(arguments: Sequence[str]) -> None:
    """Let the folder a command works on name the region, unless the environment does.

    Args:
        arguments: the command's name and what follows it.
    """
    if not arguments or arguments[0] not in OF_A_FOLDER or os.environ.get("BIOCCIA_REGION"):
        return
    for argument in arguments[1:]:
        region = environment.region_of_folder(Path(argument.removeprefix("--folder=")))
        if region:
            os.environ["BIOCCIA_REGION"] = region
            return


def needs_database(arguments: Sequence[str]) -> bool:
    """Whether a command needs the private cluster."""
    asks_for_help = not arguments or not WITHOUT_DATABASE.isdisjoint((arguments[0], *arguments[-1:]))
    return services.needs_postgres() and not asks_for_help and "BIOCCIA_SERVICES" not in os.environ


def is_ours(command: str) -> bool:
    """Whether a command is the project's own, and so needs the project's tables."""
    return any(paths.REPOSITORY.glob(f"*/management/commands/{command}.py"))


@contextmanager
def prepared(arguments: Sequence[str]) -> Iterator[None]:
    """Have ready what a management command needs, for as long as it runs.

    Args:
        arguments: the command's name and what follows it.

    Raises:
        LifecycleError: a part is missing or does not start.
    """
    name_region(arguments)
    if not needs_database(arguments):
        yield
        return
    with services.borrowed():
        if is_ours(arguments[0]):
            schema.ensure_schema(paths.region_name())
        else:
            services.ensure_database(paths.region_name())
        yield
