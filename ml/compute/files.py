"""Outputs are written aside and renamed: a reader sees the whole file or the earlier one."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rasterio.errors import RasterioError

from ml.compute.errors import ComputeError

# GDAL hides ENOSPC behind a general write error: under this free space the disk is taken to be full.
FULL_DISK_BYTES = 1_000_000


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield a path beside `path`, renamed onto it when the block ends well and removed when it does not.

    Args:
        path: the final file; its folder is created when absent.

    Yields:
        A path of the same folder and suffix, so that drivers that look at the suffix still work.

    Raises:
        ComputeError: the disk is full; the earlier file, if any, is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    aside.unlink(missing_ok=True)  # a killed process of this number may have left one
    try:
        yield aside
        aside.replace(path)
    except (OSError, RasterioError) as error:
        raise_if_disk_is_full(error, path)
        raise
    finally:
        aside.unlink(missing_ok=True)


def raise_if_disk_is_full(error: BaseException, path: Path) -> None:
    """Raise a ComputeError in place of `error` when its cause is a full disk.

    Raises:
        ComputeError: the disk that holds `path` is full.
    """
    is_enospc = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if is_enospc or shutil.disk_usage(path.parent).free < FULL_DISK_BYTES:
        message = f"{path}: the disk is full; free some space and run again, nothing was replaced."
        raise ComputeError(message) from error
