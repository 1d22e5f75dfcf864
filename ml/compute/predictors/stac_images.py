"""Sentinel-2 images of a STAC catalogue, read on the region's grid, masked and mosaicked by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import odc.stac
import pystac
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ml.compute.grids import Grid
from ml.compute.predictors.clouds import usable_cells
from ml.compute.predictors.errors import CatalogueError
from ml.compute.predictors.places import bounds_of, cells_of, degrees_of
from ml.compute.predictors.stac_search import (
    BACKOFF_S,
    RETRIES,
    TIMEOUT_S,
    TRANSIENT,
    address_of,
    item_as_input,
    public_address,
    scaling_of,
)

# GDAL asks again by itself, waiting longer each time, for these answers and for connections that break.
REMOTE_READS = {
    "GDAL_HTTP_RETRY_DELAY": str(BACKOFF_S),
    "GDAL_HTTP_RETRY_CODES": ",".join(str(code) for code in TRANSIENT),
    "GDAL_HTTP_TIMEOUT": str(TIMEOUT_S),
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "VSI_CACHE": "TRUE",
}
# Days read at once: a catalogue far away is slow to answer, not to send.
READERS = 4
# Levels of Sentinel-2 L2A: 0 is no data.
_LEVELS = {"*": {"assets": {"*": {"data_type": "uint16", "nodata": 0}}}}

Planes = NDArray[np.float32]


@dataclass(frozen=True)
class MaskRule:
    """Which cells are left out: the asset of scene classes, '' for none, and what of it."""

    asset: str
    classes: tuple[int, ...]
    dilation_px: float


class CatalogueImages:
    """Images by day, as planes of reflectance; days may be read at the same time."""

    readers = READERS

    def __init__(
        self,
        days: Mapping[date, Sequence[pystac.Item]],
        grid: Grid,
        assets: Sequence[str],
        mask: MaskRule,
        offset: float | None,
    ) -> None:
        """Keep what is read.

        Args:
            days: items by day.
            grid: the region's cells.
            assets: keys of the bands.
            mask: which cells are left out.
            offset: of reflectances, for a catalogue that says it wrong; None to believe it.
        """
        self._items, self._grid, self._assets, self._mask, self._offset = days, grid, assets, mask, offset
        self.days = tuple(days)

    def inputs(self, licence: str) -> list[dict[str, Any]]:
        """Every item, for the manifest."""
        return [item_as_input(item, day, licence) for day, items in self._items.items() for item in items]

    def close(self) -> None:
        """Nothing stays open between windows."""

    def read(self, day: date, window: Window) -> Planes:
        """Reflectances of a day.

        Args:
            day: one of `days`.
            window: cells of the grid.

        Returns:
            float32 (bands, rows, columns), NaN where there is no data or it is masked.

        Raises:
            CatalogueError: an image cannot be read.
        """
        values = np.full((len(self._assets), int(window.height), int(window.width)), np.nan, np.float32)
        bounds = degrees_of(self._grid.crs, bounds_of(self._grid, window))
        near = [item for item in self._items[day] if _meets(item, bounds)]
        for items in self._by_scaling(near).values():
            wanted = np.isnan(values).any(axis=0) & self._usable(items, window)
            if wanted.any():
                found = self._reflectances(items, window)
                np.copyto(values, found, where=wanted & np.isnan(values))
        return values

    def _by_scaling(self, items: Sequence[pystac.Item]) -> dict[tuple[tuple[float, float], ...], list[pystac.Item]]:
        """Items that can be mosaicked before their levels become reflectances."""
        groups: dict[tuple[tuple[float, float], ...], list[pystac.Item]] = {}
        for item in items:
            key = tuple(self._scaling(item, asset) for asset in self._assets)
            groups.setdefault(key, []).append(item)
        return groups

    def _scaling(self, item: pystac.Item, asset: str) -> tuple[float, float]:
        scale, offset = scaling_of(item, asset)
        return scale, offset if self._offset is None else self._offset

    def _usable(self, items: Sequence[pystac.Item], window: Window) -> NDArray[np.bool_]:
        shape = int(window.height), int(window.width)
        if not self._mask.asset:
            return np.ones(shape, bool)
        halo = int(np.ceil(self._mask.dilation_px))
        around = self._grid.padded(window, halo)
        scene = self._load(items, [self._mask.asset], around, "nearest")[0]
        usable = usable_cells(scene, self._mask.classes, self._mask.dilation_px)
        top, left = int(window.row_off - around.row_off), int(window.col_off - around.col_off)
        return usable[top : top + shape[0], left : left + shape[1]]

    def _reflectances(self, items: Sequence[pystac.Item], window: Window) -> Planes:
        levels = self._load(items, self._assets, window, "bilinear")
        values = levels.astype(np.float32)
        for plane, level, asset in zip(values, levels, self._assets, strict=True):
            scale, offset = self._scaling(items[0], asset)
            plane *= np.float32(scale)
            plane += np.float32(offset)
            plane[level == 0] = np.nan
        return values

    def _load(
        self, items: Sequence[pystac.Item], assets: Sequence[str], window: Window, resampling: str
    ) -> NDArray[np.uint16]:
        try:
            return self._mosaic(items, assets, window, resampling)
        except (RasterioError, OSError) as error:
            item, asset = self._unreadable(items, assets, window)
            raise CatalogueError(
                f"{public_address(item.assets[asset].href)}: this file of the image {item.id} ({address_of(item)}) "
                f"cannot be read; a busy server was asked {RETRIES} times more. Run again later: what is written is "
                "not fetched again."
            ) from error

    def _unreadable(
        self, items: Sequence[pystac.Item], assets: Sequence[str], window: Window
    ) -> tuple[pystac.Item, str]:
        """The file at fault; GDAL's own words do not always name it."""
        for item in items:
            for asset in assets:
                try:
                    self._mosaic([item], [asset], window, "nearest", retries=0)
                except (RasterioError, OSError):
                    return item, asset
        return items[0], assets[0]

    def _mosaic(
        self,
        items: Sequence[pystac.Item],
        assets: Sequence[str],
        window: Window,
        resampling: str,
        retries: int = RETRIES,
    ) -> NDArray[np.uint16]:
        """(assets, rows, columns) levels, the first item that has any giving them."""
        cells = cells_of(self._grid, window)
        with rasterio.Env(**REMOTE_READS, GDAL_HTTP_MAX_RETRY=str(retries)):
            loaded = odc.stac.load(
                items,
                bands=list(assets),
                geobox=GeoBox((cells.height, cells.width), cells.transform, cells.crs.to_wkt()),
                groupby=_in_one_plane,
                preserve_original_order=True,
                resampling=resampling,
                stac_cfg=_LEVELS,
            )
        return np.stack([loaded[asset].to_numpy()[0] for asset in assets])


def _in_one_plane(*_item: object) -> int:
    return 0


def _meets(item: pystac.Item, bounds: tuple[float, float, float, float]) -> bool:
    """Whether an item's bounds meet others; an item that does not say may lie anywhere."""
    if not item.bbox:
        return True
    # Four numbers, or six with altitudes.
    half = len(item.bbox) // 2
    west, south, east, north = item.bbox[0], item.bbox[1], item.bbox[half], item.bbox[half + 1]
    return west <= bounds[2] and east >= bounds[0] and south <= bounds[3] and north >= bounds[1]
