"""Guard: every sentence of the code has its French, and no translation is in doubt."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bioccia.lifecycle import environment, paths, programs
from bioccia.lifecycle.check_files import tracked_files

LANGUAGE = "fr"
SHOWN = 12
_SOURCES = {"django": ("*.py", "*.html", "*.txt"), "djangojs": ("frontend/*.js",)}


def find_gaps(repository: Path = paths.REPOSITORY) -> str:
    """Gather the sentences of the code in a copy, and say which the catalogues miss.

    Args:
        repository: the folder whose `locale/` is looked at; `tests/` are left out.
    """
    found = []
    for domain, patterns in _SOURCES.items():
        catalogue = repository / "locale" / LANGUAGE / "LC_MESSAGES" / f"{domain}.po"
        if domain == "django" or catalogue.exists():
            found += _gaps_of(repository, domain, patterns, catalogue)
    if not found:
        return ""
    more = [f"... and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return "\n".join([*found[:SHOWN], *more])


def _gaps_of(repository: Path, domain: str, patterns: tuple[str, ...], catalogue: Path) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for file in tracked_files(repository, *patterns):
            name = file.relative_to(repository)
            if name.parts[0] not in {"tests", "benchmarks", "docs"}:
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy / name)
        asked = _sentences(_extract(copy, domain))
    translated = _sentences(catalogue, only_translated=True)
    return [f"{catalogue.relative_to(repository)} lacks: {sentence}" for sentence in sorted(asked - translated)]


def _extract(copy: Path, domain: str) -> Path:
    (copy / "locale").mkdir()
    django: list[str | Path] = [environment.VENV / "bin" / "django-admin", "makemessages", "-l", LANGUAGE, "-d", domain]
    # Without settings it looks at the folder it stands in, which is what is wanted here.
    settings = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    programs.run("Gathering sentences", [*django, "--no-location", "--no-obsolete"], environment=settings, folder=copy)
    return copy / "locale" / LANGUAGE / "LC_MESSAGES" / f"{domain}.po"


def _sentences(catalogue: Path, *, only_translated: bool = False) -> set[str]:
    from babel.messages.pofile import read_po

    if not catalogue.exists():
        return set()
    with catalogue.open("rb") as stream:
        messages = [message for message in read_po(stream) if message.id]
    if only_translated:
        messages = [message for message in messages if not message.fuzzy and _is_full(message.string)]
    return {_told(message.context, message.id) for message in messages}


def _is_full(string: str | Sequence[str] | None) -> bool:
    return bool(string) if string is None or isinstance(string, str) else all(string)


def _told(context: str | None, sentence: str | Sequence[str]) -> str:
    first = sentence if isinstance(sentence, str) else sentence[0]
    return f"[{context}] {first}" if context else first
