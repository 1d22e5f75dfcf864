"""Cloud-optimised GeoTIFF: what every raster made by the engine is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rasterio
from rasterio.errors import RasterioError
from rasterio.io import DatasetWriter
from rasterio.shutil import copy as copy_raster

from ml.compute.files import raise_if_disk_is_full, written_aside
from ml.compute.grids import Grid

BLOCK_CELLS = 512


@contextmanager
def written_as_cog(
    path: Path, grid: Grid, *, dtype: str, nodata: float | None, count: int = 1, overviews: str = "nearest"
) -> Iterator[DatasetWriter]:
    """Yield a raster to fill by windows; it becomes a COG at `path` when the block ends well.

    Args:
        path: the final file; an earlier one stays until the new one is whole.
        grid: its cells.
        dtype: of every band.
        nodata: value of cells without data.
        count: bands.
        overviews: how overviews are resampled ('nearest' for classes, 'average' for quantities).

    Yields:
        A raster open for writing; its tags, descriptions and colours are kept.

    Raises:
        ComputeError: the disk is full.
    """
    cells = {"width": grid.width, "height": grid.height, "transform": grid.transform, "crs": grid.crs}
    bands = {"driver": "GTiff", "count": count, "dtype": dtype, "nodata": nodata}
    blocks = {"tiled": True, "blockxsize": BLOCK_CELLS, "blockysize": BLOCK_CELLS, "BIGTIFF": "IF_SAFER"}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}.{os.getpid()}.draft{path.suffix}")
    try:
        with rasterio.open(draft, "w", **cells, **bands, **blocks, compress="lzw") as target:
            yield target
        write_cog(draft, path, overviews=overviews)
    except (OSError, RasterioError) as error:
        raise_if_disk_is_full(error, path)
        raise
    finally:
        draft.unlink(missing_ok=True)


def write_cog(source: Path, target: Path, *, overviews: str = "nearest") -> None:
    """Copy a raster to a cloud-optimised GeoTIFF, written aside and renamed.

    Args:
        source: a finished GeoTIFF with its tags, nodata and colour table.
        target: the output.
        overviews: how overviews are resampled ('nearest' for classes, 'average' for quantities).

    Raises:
        ComputeError: the disk is full.
    """
    with written_aside(target) as aside:
        copy_raster(
            source,
            aside,
            driver="COG",
            compress="ZSTD",
            level=3,
            blocksize=BLOCK_CELLS,
            bigtiff="if_safer",
            overview_resampling=overviews,
        )
