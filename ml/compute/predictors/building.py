"""The predictors of a year, section by section: what is already made in the same way is left as it is."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rasterio
from rasterio.windows import Window

from ml.compute.predictors.errors import PredictorError
from ml.compute.predictors.outputs import OutputFile, written_stack_file
from ml.compute.predictors.places import Place, grid_of_region
from ml.compute.predictors.recipe import NAME as RECIPE
from ml.compute.predictors.recipe import read_recipe
from ml.compute.predictors.sections import LocalInput, Section
from ml.compute.predictors.stack_manifest import (
    altered_files,
    empty_manifest,
    files_of,
    grid_as_json,
    read_manifest,
    write_manifest,
)
from ml.compute.predictors.window_parts import WindowParts
from ml.compute.publishing.manifest import hash_of_file
from ml.compute.region.folder import read_region_folder

PARTS = ".parts"
# GDAL's own cache grows with the machine; two rows of blocks of a source are enough.
CACHE_BYTES = 128_000_000
# Of the way values are made: another number makes every file again.
METHOD = 1

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class BuildOptions:
    """Which sections by their file, all where empty; `again` makes them anew."""

    only: tuple[str, ...] = ()
    again: bool = False


def build_predictors(
    folder: Path, year: int, options: BuildOptions | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Make the predictors that a region folder's recipe asks for.

    Args:
        folder: the region folder, with region.toml and predictors.toml.
        year: the year of `stack/YEAR/`.
        options: which sections, and whether to make them anew.
        progress: told the file, the windows done and their number.

    Returns:
        Files made and files left as they were, with the grid.

    Raises:
        ComputeError: a source, a key or the disk is at fault; earlier files are untouched.
    """
    options = options or BuildOptions()
    region = read_region_folder(folder)
    recipe = read_recipe(region.path)
    grid = grid_of_region(region, recipe.grid, f"{recipe.path} [grid]")
    place = Place(region.path, year, grid)
    manifest = _manifest_of(place)
    made: list[str] = []
    for section in _wanted(recipe.sections, options, recipe.path):
        inputs = _inputs(section, place)
        key = _key(section, place, inputs)
        if not options.again and _is_done(place, manifest["sections"].get(section.file), key):
            continue
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
            entry = _make(section, place, key, progress or _say_nothing)
        manifest["sections"][section.file] = {"key": key, "inputs": inputs, "code_version": _code_version(), **entry}
        write_manifest(place.stack, manifest)
        made += entry["files"]
    kept = [name for name in files_of(manifest) if name not in made]
    return {"made": made, "kept": sorted(kept), "grid": manifest["grid"], "stack": str(place.stack)}


def _say_nothing(_file: str, _done: int, _total: int) -> None:
    return


def _wanted(sections: tuple[Section, ...], options: BuildOptions, recipe: Path) -> list[Section]:
    known = [section.file for section in sections]
    for name in options.only:
        if name not in known:
            raise PredictorError(f"{recipe}: no section writes '{name}'; the files are {', '.join(known)}.")
    return [section for section in sections if not options.only or section.file in options.only]


def _manifest_of(place: Place) -> dict[str, Any]:
    manifest = read_manifest(place.stack)
    if manifest is None:
        return empty_manifest(place.year, place.grid)
    if manifest["grid"] != grid_as_json(place.grid):
        raise PredictorError(
            f"{place.stack}: the files there are on another grid than [grid] of {RECIPE} asks for; "
            "move them away, or correct [grid]."
        )
    return manifest


def _inputs(section: Section, place: Place) -> list[dict[str, Any]]:
    return [LocalInput(path, section.licence).as_json(place.folder) for path in section.local_inputs(place)]


def _key(section: Section, place: Place, inputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All that decides the values of a section's files; what a catalogue holds is asked when they are made."""
    return {
        "method": METHOD,
        "parameters": section.parameters(),
        "local_inputs": [[one["id"], one["sha256"]] for one in inputs],
        "grid": grid_as_json(place.grid),
    }


def _is_done(place: Place, earlier: Mapping[str, Any] | None, key: Mapping[str, Any]) -> bool:
    return earlier is not None and earlier["key"] == key and not altered_files(place.stack, earlier["files"])


def _make(section: Section, place: Place, key: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Compute the windows that are not there yet, put them together, and only then replace the earlier files."""
    opened = section.open(place)
    try:
        parts_key = {"key": key, "remote_inputs": list(opened.remote_inputs), "window_px": section.window_px}
        parts = WindowParts(place.stack / PARTS / section.file.removesuffix(".tif"), place.grid, parts_key)
        windows = list(place.grid.windows(section.window_px))
        for done, window in enumerate(windows, 1):
            if not parts.has(window):
                parts.keep(window, opened.levels(window))
            progress(section.file, done, len(windows))
        _merge(opened.files, place, parts, windows)
        files = {output.name: _facts(place.stack / output.name, output) for output in opened.files}
        parts.drop()
        return {"remote_inputs": list(opened.remote_inputs), "files": files}
    finally:
        opened.close()


def _merge(files: Sequence[OutputFile], place: Place, parts: WindowParts, windows: Sequence[Window]) -> None:
    finished = [parts.folder / f"whole_{number}.tif" for number in range(len(files))]
    counts = [len(output.bands) for output in files]
    with ExitStack() as stack:
        targets = [
            stack.enter_context(written_stack_file(path, place.grid, output))
            for path, output in zip(finished, files, strict=True)
        ]
        for window in windows:
            for target, levels in zip(targets, parts.read(window, counts), strict=True):
                target.write(levels, window=window)
    for path, output in zip(finished, files, strict=True):
        final = place.stack / output.name
        final.parent.mkdir(parents=True, exist_ok=True)
        path.replace(final)


def _facts(path: Path, output: OutputFile) -> dict[str, Any]:
    return {
        "sha256": hash_of_file(path),
        "bytes": path.stat().st_size,
        "kind": output.kind,
        "tags": dict(output.tags),
        "bands": [[band.label, band.scale, band.offset, band.unit] for band in output.bands],
    }


def _code_version() -> str:
    path = Path(__file__).parents[3] / "VERSION"
    return path.read_text(encoding="utf-8").strip() if path.is_file() else "unknown"
