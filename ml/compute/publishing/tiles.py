"""Vector tiles of a release in one PMTiles archive."""

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from ml.compute.files import written_aside

GZIP_LEVEL = 6
E7 = 10_000_000


@dataclass(frozen=True)
class Tile:
    """One tile of the usual pyramid, counted from the north-west, and its bytes as MVT."""

    z: int
    x: int
    y: int
    content: bytes


def write_archive(
    path: Path, tiles: Iterable[Tile], *, bounds: tuple[float, float, float, float], metadata: Mapping[str, Any]
) -> int:
    """Write tiles as a PMTiles archive whose bytes depend on their content alone.

    Args:
        path: the final file.
        tiles: in any order; kept in memory zipped until all are known.
        bounds: west, south, east, north in degrees.
        metadata: what the archive says of itself, as TileJSON names it.

    Returns:
        Tiles written.

    Raises:
        ComputeError: the disk is full.
    """
    zipped = {zxy_to_tileid(tile.z, tile.x, tile.y): gzip.compress(tile.content, GZIP_LEVEL, mtime=0) for tile in tiles}
    with written_aside(path) as aside, aside.open("wb") as stream:
        writer = Writer(stream)
        for number in sorted(zipped):  # clustered: neighbours on the map are neighbours in the file
            writer.write_tile(number, zipped[number])
        writer.finalize(_header(bounds), dict(metadata))
    return len(zipped)


def count_tiles(path: Path) -> tuple[int, dict[str, Any]]:
    """Tiles of an archive, each read once, and what the archive says of itself."""
    with path.open("rb") as stream:
        source = MmapSource(stream)
        count = sum(1 for _address, content in all_tiles(source) if content)
        return count, dict(Reader(source).metadata())


def _header(bounds: tuple[float, float, float, float]) -> dict[str, Any]:
    west, south, east, north = (round(degrees * E7) for degrees in bounds)
    return {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "min_lon_e7": west,
        "min_lat_e7": south,
        "max_lon_e7": east,
        "max_lat_e7": north,
        "center_zoom": 8,
        "center_lon_e7": (west + east) // 2,
        "center_lat_e7": (south + north) // 2,
    }
