"""One map made by several machines: each takes chunks of the windows, one merges them.

A chunk is one archive of windows and a mark with its hash, put into a folder that all share once the chunk is whole.
Two machines that take the same chunk write the same bytes: nothing is lost but time.
"""

import hashlib
import json
import shutil
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ml.compute.classify import ClassifyOutputs, Progress, WindowShare, classify_stack, classify_windows
from ml.compute.errors import StoreError
from ml.compute.shared_store import SharedFolder, hash_of
from ml.compute.stacks import open_stack

ARCHIVE, MARK = "chunk-{:05d}-of-{:05d}.zip", "chunk-{:05d}-of-{:05d}.json"
# The same windows give the same archive: no moment of the clock in it.
MOMENT = (1980, 1, 1, 0, 0, 0)
SCRATCH = "scratch.json"


@dataclass(frozen=True)
class SharedJob:
    """A map to be made together.

    Attributes:
        stack_paths: rasters on one grid; the same files on every machine.
        model_path: as `save_model` wrote it.
        outputs: the rasters that the merge writes.
        url: the shared folder: a path, or s3://bucket/folder.
        chunks: how many chunks the windows are dealt into; the same on every machine.
        work_dir: a folder of this machine, where its unfinished chunks wait.
    """

    stack_paths: tuple[Path, ...]
    model_path: Path
    outputs: ClassifyOutputs
    url: str
    chunks: int
    work_dir: Path

    @cached_property
    def folder(self) -> SharedFolder:
        """The shared folder of this job: another model, stack or number of chunks has another one."""
        return SharedFolder(f"{self.url.rstrip('/')}/windows-{self._fingerprint()[:16]}")

    def _fingerprint(self) -> str:
        """Says the model and the stack by what they hold, not by this machine's paths and times."""
        stack = open_stack(self.stack_paths)
        facts = {
            "model": hash_of(self.model_path),
            "files": [[path.name, path.stat().st_size] for path in stack.paths],
            "bands": [band.label for series in stack.series for band in series.bands],
            "grid": [stack.grid.width, stack.grid.height, *stack.grid.bounds, stack.grid.crs.to_wkt()],
            "runner_ups": self.outputs.runner_ups is not None,
            "chunks": self.chunks,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def windows_of_chunk(chunk: int, chunks: int, windows: int) -> range:
    """The windows of a chunk: a run of neighbours, which read the same tiles."""
    return range(windows * chunk // chunks, windows * (chunk + 1) // chunks)


def finished_chunks(job: SharedJob) -> set[int]:
    """The chunks whose mark stands in the shared folder.

    Raises:
        StoreError: the folder cannot be read.
    """
    names = job.folder.names()
    return {chunk for chunk in range(job.chunks) if MARK.format(chunk, job.chunks) in names}


def classify_chunk(job: SharedJob, chunk: int, *, workers: int = 1, progress: Progress | None = None) -> bool:
    """Map one chunk into the shared folder, unless it is there already.

    Args:
        job: the map.
        chunk: from 0.
        workers: threads.
        progress: called with (windows done, windows of the chunk); what it raises stops the work, which resumes.

    Returns:
        Whether anything was to do.

    Raises:
        ComputeError: the model, the stack or the store cannot be used, or a disk is full.
    """
    if not 0 <= chunk < job.chunks:
        raise StoreError(f"Chunk {chunk} of {job.chunks}: chunks are numbered from 0 to {job.chunks - 1}.")
    folder = job.folder
    if MARK.format(chunk, job.chunks) in folder.names():
        return False
    mine = job.work_dir / f"chunk-{chunk:05d}"
    share = WindowShare(mine, lambda windows: windows_of_chunk(chunk, job.chunks, windows))
    parts = classify_windows(job.stack_paths, job.model_path, job.outputs, share, workers=workers, progress=progress)
    archive = mine / "chunk.zip"
    _pack(parts, archive)
    folder.put(archive, ARCHIVE.format(chunk, job.chunks))
    # The mark comes last: an archive without one does not count.
    facts = {"sha256": hash_of(archive), "windows": len(parts)}
    folder.write_facts(facts, MARK.format(chunk, job.chunks), mine / SCRATCH)
    shutil.rmtree(mine)
    return True


def merge_chunks(job: SharedJob, *, workers: int = 1, progress: Progress | None = None) -> dict[str, Any]:
    """Write the map from the chunks of the shared folder, and remove them.

    Args:
        job: the map.
        workers: threads.
        progress: called with (windows done, windows in all).

    Returns:
        The counts of `classify_stack`; the bytes are those of one machine alone.

    Raises:
        StoreError: a chunk is missing or damaged; it is named.
        ComputeError: as `classify_stack` raises it; outputs stay as they were.
    """
    folder = job.folder
    missing = sorted(set(range(job.chunks)) - finished_chunks(job))
    if missing:
        raise StoreError(
            f"{folder.url}: {len(missing)} of {job.chunks} chunks are missing, first {missing[0]}; map them."
        )
    windows = job.work_dir / "merge"
    # None is mapped here: the folder is made ready for the windows of this job.
    classify_windows(job.stack_paths, job.model_path, job.outputs, WindowShare(windows, lambda _windows: ()))
    for chunk in range(job.chunks):
        _unpack(folder, chunk, job.chunks, windows)
    counts = classify_stack(
        job.stack_paths, job.model_path, job.outputs, workers=workers, work_dir=windows, progress=progress
    )
    folder.remove()
    return counts


def _pack(parts: list[Path], archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for part in parts:
            target.writestr(zipfile.ZipInfo(part.name, MOMENT), part.read_bytes(), zipfile.ZIP_DEFLATED, 1)


def _unpack(folder: SharedFolder, chunk: int, chunks: int, windows: Path) -> None:
    archive = windows / f"chunk-{chunk:05d}.zip"
    name = ARCHIVE.format(chunk, chunks)
    folder.take(name, archive)
    expected = folder.read_facts(MARK.format(chunk, chunks))["sha256"]
    if hash_of(archive) != expected:
        archive.unlink()
        raise StoreError(f"{folder.url}/{name}: not the file that was put there; delete it and its mark, map it again.")
    with zipfile.ZipFile(archive) as source:
        for member in source.namelist():
            (windows / Path(member).name).write_bytes(source.read(member))
    archive.unlink()
