"""Cloud-optimised GeoTIFF: what every raster made by the engine is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rasterio
from rasterio.io import DatasetWriter
from rasterio.shutil import copy as copy_raster

from ml.compute.files import written_aside
from ml.compute.grids import Grid

BLOCK_CELLS = 512


@contextmanager
def written_as_cog(
    path: Path, grid: Grid, *, dtype: str, nodata: float | None, count: int = 1, overviews: str = "mode"
) -> Iterator[DatasetWriter]:
    """Yield a raster to fill by windows; it becomes a COG at `path` when the block ends well.

    Args:
        path: the final file; an earlier one stays until the new one is whole.
        grid: its cells.
        dtype: of every band.
        nodata: value of cells without data.
        count: bands.
        overviews: how overviews are resampled ('mode' for classes, 'average' for quantities).

    Yields:
        A raster open for writing; its tags, descriptions and colours are kept.

    Raises:
        ComputeError: the disk is full.
    """
    profile = {
        "driver": "GTiff",
        "width": grid.width,
        "height": grid.height,
        "transform": grid.transform,
        "crs": grid.crs,
        "count": count,
        "dtype": dtype,
        "nodata": nodata,
    }
    blocks = {"tiled": True, "blockxsize": BLOCK_CELLS, "blockysize": BLOCK_CELLS, "BIGTIFF": "IF_SAFER"}
    with written_aside(path) as final:
        draft = final.with_name(f"{final.name}.draft")
        try:
            with rasterio.open(draft, "w", **profile, **blocks, compress="lzw") as target:
                yield target
            copy_raster(
                draft,
                final,
                driver="COG",
                blocksize=BLOCK_CELLS,
                compress="deflate",
                overview_resampling=overviews,
                bigtiff="if_safer",
            )
        finally:
            draft.unlink(missing_ok=True)
