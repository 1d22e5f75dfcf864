"""Verify a release by its folder alone: nothing missing, nothing added, nothing altered, and the files agree."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from ml.compute.class_rasters import check_same_grid
from ml.compute.errors import ComputeError
from ml.compute.grids import grid_of, open_raster
from ml.compute.lineage import LINEAGE_TABLE
from ml.compute.publishing.changes import CHANGES_LAYER
from ml.compute.publishing.manifest import (
    MANIFEST,
    ReleaseFileError,
    content_hash,
    hash_of_file,
    read_manifest,
)
from ml.compute.publishing.polygons import HABITATS_LAYER, faults_of_coverage
from ml.compute.publishing.rasters import cells_by_code
from ml.compute.publishing.tiles import count_tiles

# What every release holds.
POLYGONS, CLASSES, CONFIDENCE = "habitats.gpkg", "classes.tif", "confidence.tif"
TILES, CHANGES, CARD, ACCURACY = "habitats.pmtiles", "changes.gpkg", "model_card.html", "accuracy.json"
FILES = (ACCURACY, CHANGES, CLASSES, CONFIDENCE, POLYGONS, TILES, CARD)
# Areas are written to the hundredth of a square metre.
AREA_TOLERANCE_M2 = 0.02
# Simplified outlines do not follow the cells of the edge of the map.
TOTAL_TOLERANCE = 0.02


def verify_folder(folder: Path) -> dict[str, Any]:
    """Verify a release.

    Args:
        folder: the folder of the release, as published or downloaded.

    Returns:
        `release`, `content_sha256`, `files`, `polygons`, `area_m2`, `changes`, `tiles`.

    Raises:
        ReleaseFileError: naming every file that is missing, added, altered, or that contradicts another one.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ReleaseFileError(f"{folder}: no such folder; name the one that holds {MANIFEST}.")
    hashes = read_manifest(folder)
    faults = [*_faults_of_names(folder, set(hashes)), *_faults_of_content(folder, hashes)]
    if faults:
        raise ReleaseFileError("; ".join(faults))
    said = _read_accuracy(folder / ACCURACY)
    found = {name: _read(folder / name, check, said) for name, check in CHECKS.items()}
    return {
        "release": said["release"],
        "content_sha256": content_hash(hashes),
        "files": len(hashes),
        "polygons": said["map"]["polygons"],
        "area_m2": said["map"]["area_m2"],
        "changes": found[CHANGES],
        "tiles": found[TILES],
    }


def _faults_of_names(folder: Path, listed: set[str]) -> list[str]:
    present = {path.name for path in folder.iterdir()} - {MANIFEST}
    unlisted = [f"{folder / MANIFEST}: {name} is not listed; download it again" for name in sorted(set(FILES) - listed)]
    missing = [f"{folder / name}: missing; download it again" for name in sorted(listed - present)]
    added = [f"{folder / name}: not part of the release; remove it" for name in sorted(present - listed)]
    return [*unlisted, *missing, *added]


def _faults_of_content(folder: Path, hashes: dict[str, str]) -> list[str]:
    return [
        f"{folder / name}: altered since it was published; download it again"
        for name, expected in sorted(hashes.items())
        if (folder / name).is_file() and hash_of_file(folder / name) != expected
    ]


def _read_accuracy(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        _ = said["release"], said["map"]["polygons"], said["map"]["area_m2"], said["map"]["classes"]
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseFileError(f"{path}: it does not say what the map holds; download the release again.") from error
    return dict(said)


def _read(path: Path, check: Callable[[Path, dict[str, Any]], Any], said: dict[str, Any]) -> Any:
    try:
        return check(path, said)
    except ReleaseFileError:
        raise
    except (ComputeError, DataSourceError, DataLayerError, OSError, ValueError) as error:
        raise ReleaseFileError(f"{path}: unreadable ({error}); download it again.") from error


def _check_polygons(path: Path, said: dict[str, Any]) -> int:
    frame = pyogrio.read_dataframe(path, layer=HABITATS_LAYER)
    _agree(path, "polygons", len(frame), said["map"]["polygons"])
    _agree(path, "numbers", frame["number"].nunique(), len(frame))
    _agree(path, "releases", sorted(frame["release"].unique()), [said["release"]])
    _check_areas(path, frame, said)
    faulty = faults_of_coverage(frame.geometry.to_numpy())
    if faulty.size:
        number = frame["number"].iloc[int(faulty[0])]
        raise ReleaseFileError(f"{path}: polygon {number} is invalid, or leaves a gap with a neighbour.")
    return len(frame)


def _check_areas(path: Path, frame: gpd.GeoDataFrame, said: dict[str, Any]) -> None:
    drawn = shapely.area(frame.geometry.to_numpy())
    wrong = abs(drawn - frame["area_m2"].to_numpy()) > AREA_TOLERANCE_M2
    if wrong.any():
        number = frame["number"].iloc[int(wrong.argmax())]
        raise ReleaseFileError(f"{path}: the area written for polygon {number} is not that of its outline.")
    by_code = frame["area_m2"].groupby(frame["code"]).sum()
    for code in sorted({*by_code.index, *said["map"]["classes"]}):
        written = float(said["map"]["classes"].get(code, {}).get("polygons_m2", 0.0))
        tolerance = AREA_TOLERANCE_M2 * len(frame)
        if not math.isclose(float(by_code.get(code, 0.0)), written, abs_tol=tolerance):
            raise ReleaseFileError(f"{path}: the area of {code} is not the one that {ACCURACY} gives.")


def _check_classes(path: Path, said: dict[str, Any]) -> int:
    counts, cell_area = cells_by_code(path)
    expected = {code: row["cells"] for code, row in said["map"]["classes"].items() if row["cells"]}
    _agree(path, "cells by habitat", counts, expected)
    total = sum(counts.values()) * cell_area
    if not math.isclose(total, said["map"]["area_m2"], rel_tol=TOTAL_TOLERANCE):
        raise ReleaseFileError(f"{path}: its {total:.0f} m² are not the {said['map']['area_m2']:.0f} of {POLYGONS}.")
    return sum(counts.values())


def _check_confidence(path: Path, said: dict[str, Any]) -> None:  # noqa: ARG001 - one signature for all checks
    classes = path.with_name(CLASSES)
    with open_raster(classes) as first, open_raster(path) as second:
        check_same_grid(classes, grid_of(first, classes), path, grid_of(second, path))


def _check_changes(path: Path, said: dict[str, Any]) -> int:
    count = int(pyogrio.read_info(path, layer=CHANGES_LAYER, force_feature_count=True)["features"])
    _agree(path, "changes", count, said["map"]["changes"])
    if LINEAGE_TABLE in pyogrio.list_layers(path)[:, 0]:  # not in the releases of the first years
        _check_lineage(path)
    return count


def _check_lineage(path: Path) -> None:
    """See that the table speaks of each polygon of the release."""
    table = pyogrio.read_dataframe(path, layer=LINEAGE_TABLE, columns=["to_polygon"])
    if table.empty:
        return
    polygons = pyogrio.read_dataframe(path.with_name(POLYGONS), layer=HABITATS_LAYER, columns=["number"])
    spoken_of = sorted(table["to_polygon"].dropna().astype(int).unique())
    if spoken_of != sorted(polygons["number"]):
        raise ReleaseFileError(f"{path}: the lineage does not speak of the polygons that {POLYGONS} holds.")


def _check_tiles(path: Path, said: dict[str, Any]) -> int:
    count, metadata = count_tiles(path)
    _agree(path, "tiles", count, said["map"]["tiles"])
    _agree(path, "release", metadata.get("version"), said["release"])
    return count


def _agree(path: Path, what: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise ReleaseFileError(f"{path}: {what}: {found}, where {expected} is expected by {ACCURACY}.")


CHECKS: dict[str, Callable[[Path, dict[str, Any]], Any]] = {
    POLYGONS: _check_polygons,
    CLASSES: _check_classes,
    CONFIDENCE: _check_confidence,
    CHANGES: _check_changes,
    TILES: _check_tiles,
}
