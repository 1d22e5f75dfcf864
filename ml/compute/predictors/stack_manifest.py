"""`stack/YEAR/manifest.json`: what every file was made from, how, and its hash."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.compute.files import written_aside
from ml.compute.grids import Grid, name_of
from ml.compute.predictors.errors import StackManifestError
from ml.compute.publishing.manifest import canonical_json, hash_of_file

NAME = "manifest.json"
FORMAT = 1


def empty_manifest(year: int, grid: Grid) -> dict[str, Any]:
    """A manifest without files yet."""
    return {"format": FORMAT, "year": year, "grid": grid_as_json(grid), "sections": {}}


def grid_as_json(grid: Grid) -> dict[str, Any]:
    """The cells, as plain JSON."""
    return {
        "crs": name_of(grid.crs),
        "width": grid.width,
        "height": grid.height,
        "transform": [float(number) for number in tuple(grid.transform)[:6]],
    }


def read_manifest(stack: Path) -> dict[str, Any] | None:
    """The manifest of a year's stack; None where there is none.

    Raises:
        StackManifestError: unreadable, or of another format.
    """
    path = stack / NAME
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise StackManifestError(f"{path}: not readable as JSON; remove it and build the predictors again.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT or "sections" not in content:
        raise StackManifestError(
            f"{path}: not a manifest of format {FORMAT}; remove it and build the predictors again."
        )
    return content


def write_manifest(stack: Path, content: Mapping[str, Any]) -> None:
    """Write the manifest, aside then renamed."""
    with written_aside(stack / NAME) as aside:
        aside.write_text(canonical_json(content), encoding="utf-8")


def files_of(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every file of a manifest by its name."""
    return {name: facts for section in manifest["sections"].values() for name, facts in section["files"].items()}


def altered_files(stack: Path, files: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The files that are missing or are not those of the manifest, each with what is wrong."""
    faults = []
    for name, facts in sorted(files.items()):
        path = stack / name
        if not path.is_file():
            faults.append(f"{name} is missing")
        elif path.stat().st_size != facts["bytes"] or hash_of_file(path) != facts["sha256"]:
            faults.append(f"{name} was changed")
    return faults


def verify_stack(stack: Path) -> dict[str, Any]:
    """Compare a year's stack with its manifest.

    Returns:
        How many files and bytes are as written, and the rasters that the manifest does not name.

    Raises:
        StackManifestError: no manifest, or files that are missing or changed.
    """
    manifest = read_manifest(stack)
    if manifest is None:
        raise StackManifestError(f"{stack / NAME}: the manifest is missing; build the predictors first.")
    files = files_of(manifest)
    if faults := altered_files(stack, files):
        raise StackManifestError(f"{stack / NAME}: {'; '.join(faults)}. Build the predictors again.")
    return {
        "files": len(files),
        "bytes": sum(int(facts["bytes"]) for facts in files.values()),
        "not_in_the_manifest": sorted(path.name for path in stack.glob("*.tif") if path.name not in files),
    }
