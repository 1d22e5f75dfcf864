"""The whole simulated region: one call writes a folder, whole or not at all."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rasterio.errors import RasterioError

from ml.compute.errors import RegionFolderError
from ml.compute.files import raise_if_disk_is_full
from ml.compute.simulation import writing
from ml.compute.simulation.change import YearState, live_years
from ml.compute.simulation.flora import observe_flora
from ml.compute.simulation.landscape import Landscape, lay_out_landscape
from ml.compute.simulation.options import SimulationOptions
from ml.compute.simulation.releves import survey_releves
from ml.compute.simulation.scene import compose_scene
from ml.compute.simulation.sensor import observe_year
from ml.compute.simulation.surveys import survey_year
from ml.compute.simulation.territories import draw_territories

Progress = Callable[[int, int], None]

TRUTH_README = """\
# Truth of a simulated region

Only for scoring. Nothing here may be read by training, mapping or any page.

- `truth_YEAR.tif`: the habitat of each cell; the CLASSES tag gives the EUNIS 2012 code of each number, 0 is no data.
- `change_YEAR.tif`: why a cell differs from the year before; the CAUSES tag gives the words, 0 is no change.
"""


def simulate_region(
    out_dir: Path,
    *,
    options: SimulationOptions | None = None,
    truth_dir: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a region folder with Occitanie's character, from lagoon coast to mountain.

    Args:
        out_dir: the region folder; must not exist, or be empty.
        options: seed, years and size.
        truth_dir: where the truth goes, outside the region folder; None leaves it unwritten.
        progress: called with steps done and steps in all; may raise to stop.

    Returns:
        The region folder.

    Raises:
        RegionFolderError: the folder is already there, or the truth would lie within it.
        ComputeError: the disk is full; nothing is left behind.
    """
    chosen = options or SimulationOptions()
    out_dir = Path(out_dir)
    if out_dir.exists() and (not out_dir.is_dir() or any(out_dir.iterdir())):
        raise RegionFolderError(f"{out_dir}: already there; remove it, name another, or add a year to it.")
    _refuse_truth_inside(out_dir, truth_dir)
    with _drafts(out_dir, truth_dir) as (draft, truth_draft):
        landscape = lay_out_landscape(chosen)
        _write_place(draft, chosen, landscape)
        _write_years(draft, truth_draft, chosen, landscape, progress)
        writing.write_region_file(draft / "region.toml", chosen)
        if truth_dir is not None:
            _move_into(truth_draft, Path(truth_dir))
        if out_dir.exists():
            out_dir.rmdir()
        draft.rename(out_dir)
    return out_dir


def add_simulated_years(
    region_dir: Path,
    *,
    years: tuple[int, ...],
    truth_dir: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Add years to a simulated region folder; those already there keep their files.

    Args:
        region_dir: a folder that `simulate_region` wrote.
        years: the years to add.
        truth_dir: where their truth goes; None leaves it unwritten.
        progress: called with steps done and steps in all; may raise to stop.

    Returns:
        The region folder. A year has the same bytes as if it had been simulated with the first ones.

    Raises:
        RegionFolderError: the folder is no simulated region, or already has one of the years.
        ComputeError: the disk is full; region.toml lists no year that is not whole.
    """
    region_dir = Path(region_dir)
    added = writing.read_options(region_dir, years=tuple(years))
    present = writing.years_of(region_dir)
    if again := sorted(set(present) & set(years)):
        raise RegionFolderError(f"{region_dir / 'region.toml'}: {again[0]} is already there; name other years.")
    _refuse_truth_inside(region_dir, truth_dir)
    with _drafts(region_dir, truth_dir) as (draft, truth_draft):
        _write_years(draft, truth_draft, added, lay_out_landscape(added), progress)
        writing.write_region_file(draft / "region.toml", replace(added, years=(*present, *years)))
        if truth_dir is not None:
            _move_into(truth_draft, Path(truth_dir))
        for year in years:
            # Left over from an addition that was cut short before region.toml could name the year.
            shutil.rmtree(region_dir / "stack" / str(year), ignore_errors=True)
            (draft / "stack" / str(year)).rename(region_dir / "stack" / str(year))
            (draft / "samples" / f"{year}.gpkg").replace(region_dir / "samples" / f"{year}.gpkg")
            (region_dir / "releves").mkdir(exist_ok=True)
            (draft / "releves" / f"{year}.csv").replace(region_dir / "releves" / f"{year}.csv")
        (draft / "region.toml").replace(region_dir / "region.toml")
    return region_dir


def _refuse_truth_inside(region_dir: Path, truth_dir: Path | None) -> None:
    if truth_dir is not None and Path(truth_dir).resolve().is_relative_to(region_dir.resolve()):
        raise RegionFolderError(f"{truth_dir}: the truth must stay outside the region folder; name another place.")


@contextmanager
def _drafts(region_dir: Path, truth_dir: Path | None) -> Iterator[tuple[Path, Path]]:
    """Yield two folders beside the final ones, to be renamed; whatever is left in them is removed."""
    region_dir.parent.mkdir(parents=True, exist_ok=True)
    beside = (region_dir if truth_dir is None else Path(truth_dir)).parent
    beside.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=region_dir.parent, prefix=f".{region_dir.name}-"))
    truth_draft = Path(tempfile.mkdtemp(dir=beside, prefix=".truth-"))
    # mkdtemp keeps others out; a region folder is as readable as any other file.
    draft.chmod(0o755)
    truth_draft.chmod(0o755)
    try:
        yield draft, truth_draft
    except (OSError, RasterioError) as error:
        raise_if_disk_is_full(error, region_dir)
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(truth_draft, ignore_errors=True)


def _move_into(draft: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(draft.iterdir()):
        file.replace(folder / file.name)


def _write_place(draft: Path, options: SimulationOptions, landscape: Landscape) -> None:
    """Write what does not change with the years: legend, territories, plant observations."""
    writing.write_legend(draft / "legend.csv")
    layers = draw_territories(options, landscape.settlements)
    writing.write_layers(draft / "territories.gpkg", layers, geometry_type="MultiPolygon")
    writing.write_table(draft / "observations" / "flora.csv", observe_flora(options, landscape))


def _write_years(
    draft: Path, truth_draft: Path, options: SimulationOptions, landscape: Landscape, progress: Progress | None
) -> None:
    """Write the stacks, samples and truth of every year."""
    steps = (options.date_count + 1) * len(options.years)
    done = 0
    (truth_draft / "README.md").write_text(TRUTH_README, encoding="utf-8")
    for state in live_years(options, landscape, options.years):
        for _ in _write_year(draft, options, landscape, state):
            done += 1
            if progress is not None:
                progress(done, steps)
        writing.write_truth(truth_draft, options, state.year, state.truth, state.cause)


def _write_year(draft: Path, options: SimulationOptions, landscape: Landscape, state: YearState) -> Iterator[None]:
    """Write the stack, the samples and the relevés of one year; yield after each step."""
    writing.write_table(
        draft / "releves" / f"{state.year}.csv", survey_releves(options, landscape, state.year, state.truth)
    )
    stack = draft / "stack" / str(state.year)
    writing.write_layers(
        draft / "samples" / f"{state.year}.gpkg",
        {"samples": survey_year(options, landscape, state)},
        geometry_type="Unknown",
    )
    writing.write_relief(stack / "relief.tif", options, landscape.relief)
    yield
    images = observe_year(options, compose_scene(options, landscape, state), state.weather, state.year)
    for _ in writing.write_series(stack / "s2.tif", options, state.year, state.weather, images):
        yield
