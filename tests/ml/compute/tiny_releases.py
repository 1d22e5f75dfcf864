"""A tiny release written by the pure code alone: four habitats on forty by forty cells."""

import geopandas as gpd
import numpy as np
import shapely

from ml.compute import lineage
from ml.compute.polygons import polygonise_map
from ml.compute.publishing import changes, manifest, polygons, rasters, tiles, verify
from ml.compute.small_features import no_small_features
from tests.ml.compute.rasters import write_class_map, write_raster

RELEASE = "2024.0"
CODES = {1: "E1.2", 2: "F3.1", 3: "G1.1", 4: "J1.1"}
COLORS = {"E1.2": "#9e6b3f", "F3.1": "#7fb069", "G1.1": "#2e6b4f", "J1.1": "#e0c060"}
LAMBERT = 2154


def quarters(side=40):
    """Class values in four squares."""
    values = np.ones((side, side), np.uint16)
    values[: side // 2, side // 2 :] = 2
    values[side // 2 :, : side // 2] = 3
    values[side // 2 :, side // 2 :] = 4
    return values


def map_frame(classes):
    """Polygons of a class raster, with the columns of a release that verification reads."""
    frame = polygonise_map(classes, mmu_px=1, simplify_m=0)
    degrees = frame.to_crs(4326).geometry
    outlines = polygons.published_outlines([shape.wkb for shape in degrees], LAMBERT)
    return gpd.GeoDataFrame(
        {
            "number": range(1, len(frame) + 1),
            "code": frame["code"],
            "area_m2": np.round(shapely.area(outlines), 2),
            "release": RELEASE,
        },
        geometry=outlines,
        crs=LAMBERT,
    )


def layer(name, rows, *, geometry_type="Polygon"):
    """A layer with words of its own: no two of a file may have one title."""
    words = polygons.Words(title=f"{name} {RELEASE}", description="Modelled, not an inventory.", date="2024-12-31")
    return polygons.Layer(name, rows, words, geometry_type)


def write_tiny_release(folder, *, values=None):
    """Every file of a release in a folder, its manifest included."""
    folder.mkdir(parents=True)
    work = folder.parent / "work"
    work.mkdir(exist_ok=True)
    source = write_class_map(work / "classes.tif", quarters() if values is None else values, codes=CODES)
    confidence = write_raster(work / "confidence.tif", np.full((40, 40), 80), dtype="uint8", nodata=255)
    cells = rasters.write_classes(source, folder / verify.CLASSES, colors=COLORS, tags={"RELEASE": RELEASE})
    rasters.write_confidence(confidence, folder / verify.CONFIDENCE, tags={"RELEASE": RELEASE})
    frame = map_frame(source)
    polygons.write_layers(
        folder / verify.POLYGONS,
        layer(polygons.HABITATS_LAYER, frame),
        layer(polygons.SMALL_FEATURES_LAYER, no_small_features(LAMBERT), geometry_type="Unknown"),
    )
    polygons.write_layers(
        folder / verify.CHANGES,
        layer(changes.CHANGES_LAYER, changes.no_changes(LAMBERT)),
        layer(lineage.LINEAGE_TABLE, lineage.no_lineage(), geometry_type=None),
    )
    tiles.write_archive(
        folder / verify.TILES,
        [tiles.Tile(6, 32, 23, b"tile"), tiles.Tile(7, 64, 46, b"another")],
        bounds=(2.0, 43.0, 3.0, 44.0),
        metadata={"version": RELEASE},
    )
    drawn = frame.groupby("code")["area_m2"].sum()
    said = {
        "release": RELEASE,
        "map": {
            "polygons": len(frame),
            "area_m2": float(frame["area_m2"].sum()),
            "changes": 0,
            "tiles": 2,
            "classes": {code: {"cells": cells[code], "polygons_m2": float(drawn[code])} for code in cells},
        },
    }
    (folder / verify.ACCURACY).write_text(manifest.canonical_json(said))
    (folder / verify.CARD).write_text("<!doctype html><title>Card</title>")
    sign(folder)
    return folder


def sign(folder):
    """Write the manifest anew, as somebody who alters a release would."""
    names = [path.name for path in folder.iterdir() if path.name != manifest.MANIFEST]
    manifest.write_manifest(folder, {name: manifest.hash_of_file(folder / name) for name in names})
