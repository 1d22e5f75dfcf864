"""`predictors.toml` of a region folder, read whole: every section and key is checked before anything is opened."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.compute.errors import RegionFolderError
from ml.compute.predictors.errors import PredictorError
from ml.compute.predictors.layers import layers_section
from ml.compute.predictors.polygon_layers import polygons_section
from ml.compute.predictors.relief import relief_section
from ml.compute.predictors.sections import Section
from ml.compute.predictors.series_keys import series_section
from ml.compute.predictors.texture import texture_section

NAME = "predictors.toml"
SECTIONS: dict[str, Callable[[Mapping[str, Any], str], Section]] = {
    "series": series_section,
    "relief": relief_section,
    "layers": layers_section,
    "polygons": polygons_section,
    "texture": texture_section,
}


@dataclass(frozen=True)
class PredictorRecipe:
    """What to make, in the order of the file."""

    path: Path
    grid: Mapping[str, Any]
    sections: tuple[Section, ...]


def read_recipe(folder: Path) -> PredictorRecipe:
    """The recipe of a region folder.

    Raises:
        PredictorError: the file, a section or a key is missing or wrong.
    """
    path = folder / NAME
    table = _read(path)
    unknown = sorted(set(table) - {*SECTIONS, "grid"})
    if unknown:
        raise PredictorError(
            f"{path}: the section '{unknown[0]}' is unknown; use [grid], "
            f"{', '.join(f'[[{name}]]' for name in SECTIONS)}."
        )
    grid = table.get("grid", {})
    if not isinstance(grid, dict):
        raise PredictorError(f"{path}: write [grid] as a section, once.")
    sections = tuple(section for name in SECTIONS for section in _sections(table.get(name, []), name, path))
    if not sections:
        raise PredictorError(f"{path}: nothing to make; write at least one [[series]], [[relief]] or [[layers]].")
    _require_own_files(sections, path)
    return PredictorRecipe(path, grid, sections)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise PredictorError(
            f"{path}: the recipe is missing; write it as docs/howto/build-predictors.md shows."
        ) from error
    except UnicodeDecodeError as error:
        raise PredictorError(f"{path}: not UTF-8; save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise PredictorError(f"{path}: not readable as TOML ({error}); correct that line.") from error


def _sections(entries: Any, name: str, path: Path) -> list[Section]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise PredictorError(f"{path}: write each '{name}' as its own [[{name}]] section.")
    try:
        return [SECTIONS[name](entry, f"{path} [[{name}]] {number}") for number, entry in enumerate(entries, 1)]
    except RegionFolderError as error:
        raise PredictorError(str(error)) from error


def _require_own_files(sections: tuple[Section, ...], path: Path) -> None:
    files = [section.file for section in sections]
    for file in files:
        if files.count(file) > 1:
            raise PredictorError(f"{path}: two sections write the file '{file}'; give each its own.")
