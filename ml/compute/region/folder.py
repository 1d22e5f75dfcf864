"""`region.toml` read whole: every key is checked by name before anything else is opened."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyproj import CRS
from pyproj.exceptions import CRSError

from ml.compute.errors import RegionFolderError
from ml.compute.region.keys import positive_of, text_of, texts_of, value_of
from ml.compute.region.legend import LegendRow, read_legend
from ml.compute.region.predictors import Predictor, predictors_of

DEFAULT_MINIMUM_UNIT_PX = 4
OPTIONAL_FOLDERS = {"releves": "relevés", "observations": "observations", "climate": "climate layers"}


@dataclass(frozen=True)
class RegionFolder:
    """What a region folder says of itself; `notices` says what is absent and skipped."""

    path: Path
    name: str
    slug: str
    epsg: int
    resolution_m: float
    typology: str
    years: tuple[int, ...]
    attribution: str
    licence: str
    simulated: bool
    seed: int | None
    mmu_px: int
    predictors: tuple[Predictor, ...]
    legend: tuple[LegendRow, ...]
    kinds: tuple[str, ...]
    territories_file: Path | None
    notices: tuple[str, ...]

    def stack_files(self, year: int) -> list[Path]:
        """The rasters of a year, sorted by name.

        Raises:
            RegionFolderError: the year has no folder or no raster.
        """
        folder = self.path / "stack" / str(year)
        files = sorted(folder.glob("*.tif"))
        if not files:
            raise RegionFolderError(
                f"{folder}: no .tif for the year {year}; add the rasters or take {year} out of 'years' in region.toml."
            )
        return files

    def samples_file(self, year: int) -> Path:
        """The samples of a year.

        Raises:
            RegionFolderError: the file is missing.
        """
        path = self.path / "samples" / f"{year}.gpkg"
        if not path.is_file():
            raise RegionFolderError(
                f"{path}: the samples of {year} are missing; add the file or take {year} out of 'years' in region.toml."
            )
        return path


def read_region_folder(path: Path) -> RegionFolder:
    """Read region.toml and the legend; rasters and geometries are looked at by `check_region_folder`.

    Args:
        path: the region folder.

    Returns:
        The folder's description.

    Raises:
        RegionFolderError: a key or a file is missing or wrong.
        LegendError: the legend is wrong.
    """
    path = Path(path).resolve()
    table = read_toml(path)
    where = path / "region.toml"
    kinds, territories_file = _territories(table, path)
    slug = slug_of(path.name)
    return RegionFolder(
        path=path,
        name=text_of(table, "name", where),
        slug=slug,
        epsg=_epsg(table, where),
        resolution_m=positive_of(table, "resolution_m", where),
        typology=text_of(table, "typology", where, default=f"legend:{slug}"),
        years=_years(table, where),
        attribution=text_of(table, "attribution", where),
        licence=text_of(table, "licence", where),
        simulated=value_of(table, "simulated", bool, where, default=False),
        seed=value_of(table, "seed", int, where, default=None),
        mmu_px=int(positive_of(table, "minimum_unit_px", where, default=DEFAULT_MINIMUM_UNIT_PX)),
        predictors=predictors_of(table, where),
        legend=read_legend(path / text_of(table, "legend", where)),
        kinds=kinds,
        territories_file=territories_file,
        notices=_absent_parts(path, territories_file),
    )


def read_predictors(path: Path) -> tuple[Predictor, ...]:
    """The `[[predictors]]` of the region folder `path` alone.

    Raises:
        RegionFolderError: region.toml is missing or an entry is wrong.
    """
    return predictors_of(read_toml(path), path / "region.toml")


def slug_of(name: str) -> str:
    """A name for addresses and databases: lower-case ASCII letters, digits, '_' and '-'."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9_]+", "-", ascii_name.lower()).strip("-") or "region"


def read_toml(path: Path) -> dict[str, Any]:
    """The table of `region.toml` in the folder `path`.

    Raises:
        RegionFolderError: no such folder, no such file, or not TOML.
    """
    if not path.is_dir():
        raise RegionFolderError(f"{path}: no such folder; give the folder that holds region.toml.")
    file = path / "region.toml"
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RegionFolderError(
            f"{file}: the file is missing; write it with name, epsg, resolution_m, legend, years."
        ) from error
    except UnicodeDecodeError as error:
        raise RegionFolderError(f"{file}: not UTF-8; save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise RegionFolderError(f"{file}: not readable as TOML ({error}); correct that line.") from error


def _epsg(table: Mapping[str, Any], where: Path) -> int:
    epsg = int(value_of(table, "epsg", int, where))
    try:
        crs = CRS.from_epsg(epsg)
    except CRSError as error:
        raise RegionFolderError(
            f"{where}: the key 'epsg' is {epsg}, which EPSG does not know; write the code of the rasters."
        ) from error
    if not crs.is_projected:
        raise RegionFolderError(
            f"{where}: the key 'epsg' is {epsg} ({crs.name}), not a projection; areas need one in metres."
        )
    return epsg


def _years(table: Mapping[str, Any], where: Path) -> tuple[int, ...]:
    years = value_of(table, "years", list, where)
    if not years or not all(isinstance(year, int) and not isinstance(year, bool) for year in years):
        raise RegionFolderError(f"{where}: the key 'years' is {years!r}; list whole years, as [2024, 2025].")
    if len(set(years)) != len(years):
        raise RegionFolderError(f"{where}: the key 'years' is {years!r}; a year is written twice, keep one.")
    return tuple(sorted(years))


def _territories(table: Mapping[str, Any], path: Path) -> tuple[tuple[str, ...], Path | None]:
    where = f"{path / 'region.toml'} [territories]"
    section = table.get("territories")
    if section is None:
        return ("region",), None
    if not isinstance(section, dict):
        raise RegionFolderError(f"{where}: write it as a section with the keys file and kinds.")
    file = path / text_of(section, "file", where)
    kinds = texts_of(section, "kinds", where)
    if len(set(kinds)) != len(kinds):
        raise RegionFolderError(f"{where}: the key 'kinds' names a layer twice; keep one.")
    if not file.is_file():
        raise RegionFolderError(
            f"{file}: the territories file named in region.toml is missing; add it or drop [territories]."
        )
    return kinds, file


def _absent_parts(path: Path, territories_file: Path | None) -> tuple[str, ...]:
    notices = [
        f"{path / folder}: absent, the {label} are skipped."
        for folder, label in OPTIONAL_FOLDERS.items()
        if not (path / folder).is_dir()
    ]
    if territories_file is None:
        notices.append(f"{path}: no territories file, the footprint of the stack is the one territory.")
    return tuple(notices)
