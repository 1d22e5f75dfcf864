"""Mapping a stack by windows: each finished window is a file, so a killed run resumes where it was."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from typing import Any

import numpy as np
import rasterio
from rasterio.windows import Window

from ml.compute.classmaps import TAG, class_codes, dtype_of, palette_of
from ml.compute.cogs import write_cog
from ml.compute.features import bind_recipe
from ml.compute.files import raise_if_disk_is_full, written_aside
from ml.compute.model_files import TrainedModel, load_model
from ml.compute.ranking import rank_cells
from ml.compute.recipes import survey_stack
from ml.compute.stacks import CACHE_BYTES, SMALL_CACHE_BYTES, Stack, StackReader, StoredPlanes, open_stack
from ml.compute.window_levels import LevelMaker

__all__ = ["ClassifyOutputs", "WindowShare", "class_codes", "classify_stack", "classify_windows"]

WINDOW = 256
# Runs of windows that a worker takes in turn: more even out the ends, fewer read shared tiles less often.
PARTS_PER_WORKER = 4
NO_CONFIDENCE = 255
MARK = "windows-of.txt"
RUNNER_UP_BANDS = ("runner_up_1", "runner_up_1_share", "runner_up_2", "runner_up_2_share")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ClassifyOutputs:
    """The rasters to write; None for one that is not wanted.

    Attributes:
        classes: uint8 or uint16, 0 = no data.
        confidence: uint8, 0-100, 255 = no data.
        runner_ups: uint16: value of the second class, its share 0-100, value of the third, its share.
    """

    classes: Path
    confidence: Path | None = None
    runner_ups: Path | None = None

    @property
    def with_shares(self) -> bool:
        """Whether the share of a class is asked for."""
        return self.confidence is not None or self.runner_ups is not None


@dataclass(frozen=True)
class WindowShare:
    """Some of the windows of a map, for a merge that comes later.

    Attributes:
        work_dir: where finished windows are, and stay.
        choose: given the number of windows, the places of those to map.
    """

    work_dir: Path
    choose: Callable[[int], Sequence[int]]


@dataclass(frozen=True)
class _Job:
    stack: Stack
    model: TrainedModel
    maker: LevelMaker
    outputs: ClassifyOutputs
    folder: Path

    @property
    def windows(self) -> list[Window]:
        return list(self.stack.grid.windows(WINDOW))

    def padded(self, window: Window) -> Window:
        return self.stack.grid.padded(window, self.model.recipe.halo)

    def part(self, place: int) -> Path:
        return self.folder / f"window-{place:07d}.npz"


def classify_stack(
    stack_paths: Sequence[Path],
    model_path: Path,
    outputs: ClassifyOutputs,
    *,
    workers: int = 1,
    work_dir: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Map a stack with a model; the bytes do not depend on workers, order or interruptions.

    Args:
        stack_paths: rasters on one grid with the series of the model.
        model_path: as `save_model` wrote it.
        outputs: the rasters to write.
        workers: threads.
        work_dir: where finished windows wait for the merge, and where an interrupted run resumes.
        progress: called with (windows done, windows in all); what it raises stops the run.

    Returns:
        Counts for the run's record: cells, cells_mapped, windows, windows_resumed.

    Raises:
        ComputeError: the model or the stack cannot be used, or the disk is full; outputs stay as they were.
    """
    stack, model, maker = _opened(stack_paths, model_path)
    with _window_folder(work_dir, outputs.classes) as folder:
        job = _Job(stack, model, maker, outputs, folder)
        _forget_other_job(job, _fingerprint(job, Path(model_path)))
        resumed = sum(job.part(place).exists() for place in range(len(job.windows)))
        _map_windows(job, workers, progress, range(len(job.windows)))
        mapped = _merge(job)
    return {
        "cells": stack.grid.width * stack.grid.height,
        "cells_mapped": mapped,
        "windows": len(job.windows),
        "windows_resumed": resumed,
    }


def classify_windows(
    stack_paths: Sequence[Path],
    model_path: Path,
    outputs: ClassifyOutputs,
    share: WindowShare,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Path]:
    """Map some of the windows and leave them in a folder, from where `classify_stack` goes on to the merge.

    Args:
        stack_paths: as for `classify_stack`.
        model_path: as for `classify_stack`.
        outputs: which rasters are wanted; none is written.
        share: which windows, and where they go.
        workers: threads.
        progress: called with (windows done, windows chosen); what it raises stops the run.

    Returns:
        The files of the chosen windows.

    Raises:
        ComputeError: the model or the stack cannot be used, or the disk is full.
    """
    stack, model, maker = _opened(stack_paths, model_path)
    share.work_dir.mkdir(parents=True, exist_ok=True)
    job = _Job(stack, model, maker, outputs, share.work_dir)
    _forget_other_job(job, _fingerprint(job, Path(model_path)))
    chosen = share.choose(len(job.windows))
    _map_windows(job, workers, progress, chosen)
    return [job.part(place) for place in chosen]


def _opened(stack_paths: Sequence[Path], model_path: Path) -> tuple[Stack, TrainedModel, LevelMaker]:
    model = load_model(model_path)
    stack = open_stack(stack_paths)
    sources = bind_recipe(model.recipe, stack, survey_stack(stack))
    return stack, model, LevelMaker(stack, model.recipe, sources, model.levels)


@contextmanager
def _window_folder(work_dir: Path | None, beside: Path) -> Iterator[Path]:
    """The folder of finished windows: emptied once the map is written, kept for the next try before."""
    beside.parent.mkdir(parents=True, exist_ok=True)
    if work_dir is None:
        with tempfile.TemporaryDirectory(prefix=".windows-", dir=beside.parent) as folder:
            yield Path(folder)
        return
    work_dir.mkdir(parents=True, exist_ok=True)
    yield work_dir
    # Only what this module wrote: the folder may be anybody's.
    for pattern in ("window-*.npz", MARK, "draft-*.tif"):
        for file in work_dir.glob(pattern):
            file.unlink()
    if not any(work_dir.iterdir()):
        work_dir.rmdir()


def _fingerprint(job: _Job, model_path: Path) -> str:
    """Changes when the model, a file of the stack or the wanted outputs do."""
    digest = hashlib.sha256(model_path.read_bytes())
    for path in job.stack.paths:
        status = path.stat()
        digest.update(f"{path.name}:{status.st_size}:{status.st_mtime_ns};".encode())
    digest.update(f"{job.outputs.confidence is not None}:{job.outputs.runner_ups is not None}:{WINDOW}".encode())
    return digest.hexdigest()


def _forget_other_job(job: _Job, fingerprint: str) -> None:
    """Drop the windows that another model or stack left in the folder."""
    mark = job.folder / MARK
    if mark.is_file() and mark.read_text(encoding="utf-8") == fingerprint:
        return
    for part in job.folder.glob("window-*.npz"):
        part.unlink()
    with written_aside(mark) as aside:
        aside.write_text(fingerprint, encoding="utf-8")


def _map_windows(job: _Job, workers: int, progress: Progress | None, chosen: Sequence[int]) -> None:
    todo = [place for place in chosen if not job.part(place).exists()]
    done = len(chosen) - len(todo)
    finished: SimpleQueue[Future[None] | None] = SimpleQueue()
    stop = Event()
    pool = ThreadPoolExecutor(max(1, workers))
    try:
        if progress:
            progress(done, len(chosen))
        pending = 0
        for part in _parts(todo, workers):
            pool.submit(_map_part, job, part, finished, stop).add_done_callback(finished.put)
            pending += 1
        while pending:
            event = finished.get()
            if event is not None:
                event.result()
                pending -= 1
                continue
            done += 1
            if progress:
                progress(done, len(chosen))
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _parts(todo: list[int], workers: int) -> list[list[int]]:
    """Runs of neighbouring windows: a tile that two workers need is decompressed twice, so runs are long."""
    count = max(1, workers) * (PARTS_PER_WORKER if workers > 1 else 1)
    size = max(1, -(-len(todo) // count))
    return [todo[start : start + size] for start in range(0, len(todo), size)]


def _map_part(job: _Job, part: list[int], finished: "SimpleQueue[Future[None] | None]", stop: Event) -> None:
    """Map windows one after another with files of their own; the next one is read while one is computed."""
    windows = job.windows
    places = {source.place for source in job.maker.sources}
    cache_bytes = CACHE_BYTES if job.model.recipe.halo else SMALL_CACHE_BYTES
    reader = StackReader(job.stack, places, cache_bytes=cache_bytes)
    with reader, ThreadPoolExecutor(1) as prefetcher:

        def fetch(turn: int) -> "Future[list[StoredPlanes]] | None":
            return prefetcher.submit(reader.read_stored, job.padded(windows[part[turn]])) if turn < len(part) else None

        upcoming = fetch(0)
        for turn, place in enumerate(part):
            if stop.is_set() or upcoming is None:
                return
            stored = upcoming.result()
            upcoming = fetch(turn + 1)
            _map_window(job, place, windows[place], stored)
            finished.put(None)


def _map_window(job: _Job, place: int, window: Window, stored: list[StoredPlanes]) -> None:
    padded = job.padded(window)
    top, left = int(window.row_off - padded.row_off), int(window.col_off - padded.col_off)
    inner = (slice(top, top + int(window.height)), slice(left, left + int(window.width)))
    made = job.maker.of_window(stored, (int(padded.height), int(padded.width)), inner)
    ranks = np.zeros((made.seen.size, 3), np.uint16)
    percents = np.zeros((made.seen.size, 3), np.uint8)
    if made.levels.shape[1]:
        ranks[made.seen], percents[made.seen] = rank_cells(job.model, made.levels, with_shares=job.outputs.with_shares)
    arrays: dict[str, Any] = {"classes": ranks[:, 0]}
    if job.outputs.confidence:
        arrays["confidence"] = np.where(made.seen, percents[:, 0], NO_CONFIDENCE)
    if job.outputs.runner_ups:
        arrays["runner_ups"] = np.stack([ranks[:, 1], percents[:, 1], ranks[:, 2], percents[:, 2]])
    with written_aside(job.part(place)) as aside, aside.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _merge(job: _Job) -> int:
    """Write the outputs from the finished windows; the count of cells with a class."""
    model, outputs = job.model, job.outputs
    used = sorted(model.values.values())
    palette = palette_of(model.values, model.colors)
    is_small = dtype_of(used) is np.uint8
    tags = {TAG: json.dumps({str(value): code for code, value in model.values.items()}, ensure_ascii=False)}
    mapped = _merge_one(
        job,
        "classes",
        outputs.classes,
        {"dtype": dtype_of(used), "count": 1, "nodata": 0},
        lambda target: _describe(target, ["class"], tags, palette if is_small else None),
    )
    if outputs.confidence:
        profile = {"dtype": np.uint8, "count": 1, "nodata": NO_CONFIDENCE}
        _merge_one(job, "confidence", outputs.confidence, profile, lambda t: _describe(t, ["confidence"], {}))
    if outputs.runner_ups:
        profile = {"dtype": np.uint16, "count": 4, "nodata": 0}
        _merge_one(job, "runner_ups", outputs.runner_ups, profile, lambda t: _describe(t, RUNNER_UP_BANDS, tags))
    return mapped


def _merge_one(
    job: _Job,
    name: str,
    output: Path,
    profile: dict[str, Any],
    describe: Callable[[rasterio.io.DatasetWriter], None],
) -> int:
    grid = job.stack.grid
    draft = job.folder / f"draft-{name}.tif"
    shape = {"width": grid.width, "height": grid.height, "crs": grid.crs, "transform": grid.transform}
    tiles = {"tiled": True, "blockxsize": WINDOW, "blockysize": WINDOW, "BIGTIFF": "IF_SAFER"}
    filled = 0
    try:
        with rasterio.open(draft, "w", driver="GTiff", **tiles, **shape, **profile) as target:
            describe(target)
            for place, window in enumerate(job.windows):
                with np.load(job.part(place)) as part:
                    planes = part[name].reshape(profile["count"], int(window.height), int(window.width))
                filled += int((planes[0] != profile["nodata"]).sum())
                target.write(planes.astype(profile["dtype"]), window=window)
    except OSError as error:
        raise_if_disk_is_full(error, draft)
        raise
    write_cog(draft, output)
    return filled


def _describe(
    target: rasterio.io.DatasetWriter,
    bands: Sequence[str],
    tags: dict[str, str],
    palette: dict[int, tuple[int, int, int, int]] | None = None,
) -> None:
    target.descriptions = tuple(bands)
    target.update_tags(**tags)
    if palette:
        target.write_colormap(1, palette)
