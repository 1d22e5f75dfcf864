"""The files of a year's stack: int16 levels with scale and offset in the file, cloud-optimised."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.io import DatasetWriter
from rasterio.shutil import copy as copy_raster

from ml.compute.files import raise_if_disk_is_full, written_aside
from ml.compute.grids import Grid

NODATA = -32768
LEVELS = 32767
BLOCK_CELLS = 512
# Level 1 costs the least to write; predictor 2 stores differences between neighbours, which are small.
COMPRESSION = {"compress": "ZSTD", "predictor": 2}
_STEPS = tuple(digit * 10.0**power for power in range(-9, 7) for digit in (1, 2, 5))


@dataclass(frozen=True)
class OutputBand:
    """A band as the file describes it; physical value = level x scale + offset, in `unit`."""

    label: str
    scale: float
    offset: float = 0.0
    unit: str = "1"


@dataclass(frozen=True)
class OutputFile:
    """A file of the stack; `name` is relative to the year's folder, `overviews` how its overviews are resampled."""

    name: str
    bands: tuple[OutputBand, ...]
    kind: str = "static"
    overviews: str = "average"
    tags: Mapping[str, str] = field(default_factory=dict)


def to_levels(values: NDArray[np.float32], band: OutputBand) -> NDArray[np.int16]:
    """Physical values as levels: rounded, held within +-32767, NODATA where not finite.

    Args:
        values: any shape, in the band's unit.
        band: scale and offset.

    Returns:
        The same shape.
    """
    levels = np.rint((values - np.float32(band.offset)) / np.float32(band.scale))
    return np.where(np.isfinite(values), np.clip(levels, -LEVELS, LEVELS), NODATA).astype(np.int16)


def levels_of(planes: Sequence[NDArray[np.float32]], output: OutputFile) -> NDArray[np.int16]:
    """The bands of a file, (rows, columns) each, as levels (bands, rows, columns)."""
    return np.stack([to_levels(plane, band) for plane, band in zip(planes, output.bands, strict=True)])


def to_values(levels: NDArray[np.int16], band: OutputBand) -> NDArray[np.float32]:
    """The inverse of `to_levels`; NaN where there is no data."""
    values = levels * np.float32(band.scale) + np.float32(band.offset)
    values[levels == NODATA] = np.nan
    return values


def finest_step(needed: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten from `needed` on."""
    return next((step for step in _STEPS if step >= needed), _STEPS[-1])


@contextmanager
def written_stack_file(path: Path, grid: Grid, output: OutputFile) -> Iterator[DatasetWriter]:
    """Yield an int16 raster to fill by windows; it becomes the COG `path` when the block ends well.

    Args:
        path: the COG, in a folder of unfinished work: a reader of the stack takes every .tif that it finds there.
        grid: its cells.
        output: its bands.

    Yields:
        A raster open for writing.

    Raises:
        ComputeError: the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.stem}.draft{path.suffix}")
    try:
        with rasterio.open(draft, "w", **profile_of(grid, len(output.bands))) as target:
            yield target
            describe(target, output.bands)
            target.update_tags(**output.tags)
        copy_as_cog(draft, path, overviews=output.overviews)
    except (OSError, RasterioError) as error:
        raise_if_disk_is_full(error, path)
        raise
    finally:
        draft.unlink(missing_ok=True)


def profile_of(grid: Grid, bands: int) -> dict[str, Any]:
    """Creation options of an int16 GeoTIFF, fast to write and to read."""
    return {
        "driver": "GTiff",
        "width": grid.width,
        "height": grid.height,
        "transform": grid.transform,
        "crs": grid.crs,
        "count": bands,
        "dtype": "int16",
        "nodata": NODATA,
        "interleave": "band",
        "tiled": True,
        "blockxsize": BLOCK_CELLS,
        "blockysize": BLOCK_CELLS,
        "bigtiff": "IF_SAFER",
        "zstd_level": 1,
        **COMPRESSION,
    }


def describe(target: DatasetWriter, bands: Sequence[OutputBand]) -> None:
    """Write names, scales, offsets and units."""
    target.descriptions = [band.label for band in bands]
    target.scales = [band.scale for band in bands]
    target.offsets = [band.offset for band in bands]
    target.units = [band.unit for band in bands]


def copy_as_cog(source: Path, target: Path, *, overviews: str) -> None:
    """Copy a raster to a COG, written aside and renamed."""
    with written_aside(target) as aside:
        copy_raster(
            source,
            aside,
            driver="COG",
            level=1,
            blocksize=BLOCK_CELLS,
            bigtiff="IF_SAFER",
            overview_resampling=overviews,
            **COMPRESSION,
        )
