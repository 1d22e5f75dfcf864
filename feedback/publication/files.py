"""The files of a release that a program opens: polygons, rasters, tiles, and what changed."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from feedback.models import Release
from feedback.publication.draft import file_facts, folder_of_draft, limits, release_of, tags, words
from feedback.publication.maps import raster_of
from feedback.queries.releases import release_before
from feedback.release_folders import path_of
from habitats.models import LegendEntry, Vintage
from habitats.queries import corrections_in_force
from habitats.queries.publication import published_polygons
from habitats.tiles import column_of_tiles, extent_of, tiles_over
from ml.compute.errors import RasterError
from ml.compute.lineage import LINEAGE_TABLE, PolygonLayer, no_lineage, trace_lineage
from ml.compute.publishing.changes import CHANGES_LAYER, Corrected, changed_patches, no_changes
from ml.compute.publishing.polygons import (
    DECIMALS,
    HABITATS_LAYER,
    SMALL_FEATURES_LAYER,
    Layer,
    Words,
    published_outlines,
    write_layers,
)
from ml.compute.publishing.rasters import cells_by_code, write_classes, write_confidence
from ml.compute.publishing.tiles import Tile, write_archive
from ml.compute.publishing.verify import CHANGES, CLASSES, CONFIDENCE, POLYGONS, TILES
from ml.compute.small_features import no_small_features
from ml.run_session import RunSession
from ml.storage import path_of as path_of_artefact

FIRST_ZOOM, LAST_ZOOM = 6, 14
AREA_DECIMALS = 2
NUMBERS_OF_LINEAGE = dict.fromkeys(("from_polygon", "to_polygon", "stable_id"), "Int64")


def write_polygons(session: RunSession) -> Mapping[str, Any]:
    """Write habitats.gpkg, in the CRS of the region: the polygons, and what is too small to be one."""
    release = release_of(session)
    rows = list(published_polygons(release.vintage))
    session.progress(1, 4)
    outlines = published_outlines([row.outline for row in rows], release.region.epsg)
    session.progress(2, 4)
    frame = gpd.GeoDataFrame(
        {
            "number": np.array([row.number for row in rows], np.int32),
            "typology": [row.typology for row in rows],
            "code": [row.code for row in rows],
            "label_fr": [row.label_fr for row in rows],
            "label_en": [row.label_en for row in rows],
            "confidence": np.array([row.confidence for row in rows], np.int16),
            "runner_up_1": [row.runner_up_1 for row in rows],
            "runner_up_1_share": np.array([row.runner_up_1_share for row in rows], np.int16),
            "runner_up_2": [row.runner_up_2 for row in rows],
            "runner_up_2_share": np.array([row.runner_up_2_share for row in rows], np.int16),
            "area_m2": np.round(shapely.area(outlines), AREA_DECIMALS),
            "corrected": np.array([row.is_corrected for row in rows], bool),
            "release": str(release),
        },
        geometry=outlines,
        crs=release.region.epsg,
    )
    path = folder_of_draft(session) / POLYGONS
    session.progress(3, 4)
    features = _small_features(release)
    write_layers(
        path,
        Layer(HABITATS_LAYER, frame, words(release, "Habitats")),
        Layer(SMALL_FEATURES_LAYER, features, words(release, "Small features"), geometry_type="Unknown"),
    )
    areas = frame.groupby("code")["area_m2"].sum().round(AREA_DECIMALS)
    return file_facts(
        path,
        polygons=len(frame),
        corrected=int(frame["corrected"].sum()),
        area_m2=round(float(frame["area_m2"].sum()), AREA_DECIMALS),
        by_code={str(code): float(area) for code, area in areas.items()},
        small_features=len(features),
    )


def _small_features(release: Release) -> gpd.GeoDataFrame:
    """Hedges, streams and ponds that the minimum unit took, but for those on ground that people corrected."""
    kept = release.vintage.small_features
    if kept is None:  # mapped before they were kept
        return no_small_features(release.region.epsg).assign(release="")
    features = gpd.read_parquet(path_of_artefact(kept))
    ground = _outlines_of_corrections(release, [release.vintage])
    inside, _place = shapely.STRtree(ground).query(features.geometry.representative_point(), predicate="intersects")
    features = features.drop(index=features.index[inside]).assign(release=str(release))
    rounded = shapely.transform(features.geometry.to_numpy(), lambda points: np.round(points, DECIMALS))
    return features.set_geometry(rounded, crs=release.region.epsg)


def write_rasters(session: RunSession) -> Mapping[str, Any]:
    """Write classes.tif and confidence.tif, cloud-optimised."""
    release = release_of(session)
    folder = folder_of_draft(session)
    colors = dict(LegendEntry.objects.values_list("habitat_type__code", "color"))
    write_classes(raster_of(session, "classes"), folder / CLASSES, colors=colors, tags=tags(release))
    session.progress(1, 2)
    write_confidence(raster_of(session, "confidence"), folder / CONFIDENCE, tags=tags(release))
    cells, cell_area_m2 = cells_by_code(folder / CLASSES)
    return {
        CLASSES: file_facts(folder / CLASSES),
        CONFIDENCE: file_facts(folder / CONFIDENCE),
        "cells": cells,
        "cell_area_m2": cell_area_m2,
    }


def write_tiles(session: RunSession) -> Mapping[str, Any]:
    """Write habitats.pmtiles: what the map shows at every zoom, in one file."""
    release = release_of(session)
    extent = extent_of(release.vintage)
    path = folder_of_draft(session) / TILES
    metadata = {
        "name": f"Habitats {release}",
        "version": str(release),
        "description": limits(release),
        "attribution": " ".join(filter(None, [release.dossier["licence"], release.region.attribution])),
        "type": "overlay",
        "vector_layers": [
            {
                "id": "polygons",
                "minzoom": FIRST_ZOOM,
                "maxzoom": LAST_ZOOM,
                "fields": {"c": "String", "n": "Number", "f": "Number"},
            }
        ],
    }
    return file_facts(
        path, tiles=write_archive(path, _tiles(session, release, extent), bounds=extent, metadata=metadata)
    )


def _tiles(session: RunSession, release: Release, extent: tuple[float, float, float, float]) -> Iterator[Tile]:
    columns = [
        (zoom, x, rows)
        for zoom in range(FIRST_ZOOM, LAST_ZOOM + 1)
        for columns, rows in [tiles_over(extent, zoom)]
        for x in columns
    ]
    for done, (zoom, x, rows) in enumerate(columns):
        session.progress(done, len(columns))
        for address, content in column_of_tiles(release.vintage, zoom, x, rows):
            yield Tile(address.z, address.x, address.y, content)


def write_changes(session: RunSession) -> Mapping[str, Any]:
    """Write changes.gpkg: what differs from the release before, patch by patch, and what became of each polygon."""
    release = release_of(session)
    earlier = release_before(release)
    path = folder_of_draft(session) / CHANGES
    frame, note = _changes(session, release, earlier)
    session.progress(1, 2)
    lineage = _lineage(session, release, earlier)
    write_layers(
        path,
        Layer(CHANGES_LAYER, frame, _since(words(release, "Changes"), note)),
        Layer(LINEAGE_TABLE, lineage, _since(words(release, "Lineage"), note), geometry_type=None),
    )
    by_cause = frame.groupby("cause")["area_m2"].sum().round(AREA_DECIMALS)
    return file_facts(
        path,
        changes=len(frame),
        since=str(earlier or ""),
        area_m2=round(float(frame["area_m2"].sum()), AREA_DECIMALS),
        by_cause={str(cause): float(area) for cause, area in by_cause.items()},
        lineage={str(fate): int(rows) for fate, rows in lineage["relation"].value_counts().sort_index().items()},
    )


def _since(said: Words, note: str) -> Words:
    return dataclasses.replace(said, description=f"{note} {said.description}")


def _lineage(session: RunSession, release: Release, earlier: Release | None) -> pd.DataFrame:
    """Which polygon of the release before became which one of this; their numbers stand in both GeoPackages."""
    if earlier is None:
        return no_lineage().astype(NUMBERS_OF_LINEAGE)
    paths = path_of(earlier, POLYGONS), folder_of_draft(session) / POLYGONS
    before, after = (
        PolygonLayer(gpd.read_file(path, layer=HABITATS_LAYER, columns=["number", "code"]), id_field="number")
        for path in paths
    )
    return trace_lineage(before, after, cell_m=release.region.resolution_m).astype(NUMBERS_OF_LINEAGE)


def _changes(session: RunSession, release: Release, earlier: Release | None) -> tuple[gpd.GeoDataFrame, str]:
    """The patches, and what the layer says of them."""
    if earlier is None:
        return no_changes(release.region.epsg), "Première version publiée. First release."
    classes_before = path_of(earlier, CLASSES)
    corrected = Corrected(
        outlines=_corrected_ground(release, earlier),
        same_model=earlier.vintage.classes_id == release.vintage.classes_id,
    )
    try:
        frame = changed_patches(
            classes_before,
            folder_of_draft(session) / CLASSES,
            corrected=corrected,
            mmu_px=release.vintage.minimum_unit_px,
        )
    except RasterError:  # another grid: the two maps can be compared by their areas, not cell by cell
        note = f"Grille différente de {earlier} : non comparable. Not on the grid of {earlier}: not comparable."
        return no_changes(release.region.epsg), note
    return frame, f"Depuis {earlier}. Since {earlier}."


def _corrected_ground(release: Release, earlier: Release) -> np.ndarray:
    """What people corrected on either map, in the CRS of the region."""
    return _outlines_of_corrections(release, [release.vintage, earlier.vintage])


def _outlines_of_corrections(release: Release, vintages: Iterable[Vintage]) -> np.ndarray:
    outlines = [
        bytes(part.wkb) for vintage in vintages for ground in corrections_in_force(vintage) for part in ground.geometry
    ]
    return published_outlines(outlines, release.region.epsg) if outlines else np.zeros(0, object)
