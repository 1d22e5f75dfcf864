"""The keys of a [[series]] section."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ml.compute.predictors.clouds import DEFAULT_MASKED, SCENE_CLASSES
from ml.compute.predictors.errors import PredictorError
from ml.compute.predictors.indices import INDICES, missing_bands
from ml.compute.predictors.recipe_keys import (
    choices_of,
    file_of,
    renamed_bands_of,
    require_known_keys,
    window_of,
)
from ml.compute.predictors.series import BAND_FIELD, SeriesSection
from ml.compute.predictors.series_sources import CatalogueSource, FileSource
from ml.compute.region.keys import positive_of, text_of, value_of

KEYS = (
    "file", "api", "collection", "max_cloud_cover", "offset", "files", "source_scale", "bands", "indices", "keep_bands",
    "start", "end", "margin_days", "step_days", "smoothing_days", "mask", "masked_classes", "dilation_m", "scale",
    "licence", "window_px",
)  # fmt: skip
DEFAULT_DILATION_M = 60
# As Sentinel-2 itself.
REFLECTANCE_SCALE = 1e-4
# February of every year has this day; the year itself is not known yet.
_COMMON_YEAR = 2023


def series_section(table: Mapping[str, Any], where: str) -> SeriesSection:
    """Read a [[series]] section.

    Raises:
        PredictorError: a key is missing or wrong.
    """
    require_known_keys(table, KEYS, where)
    bands = renamed_bands_of(table, where)
    start, end = _period(table, where)
    return SeriesSection(
        file=_file(table, where),
        source=_source(table, where),
        bands=bands,
        keep=_kept(table, tuple(bands), where),
        start=start,
        end=end,
        margin_days=_days_of(table, "margin_days", where),
        step_days=_days_of(table, "step_days", where),
        smoothing_days=positive_of(table, "smoothing_days", where) if "smoothing_days" in table else 0.0,
        mask=text_of(table, "mask", where, ""),
        masked_classes=_masked(table, where),
        dilation_m=_dilation(table, where),
        scale=positive_of(table, "scale", where, REFLECTANCE_SCALE),
        licence=text_of(table, "licence", where, "unknown"),
        window_px=window_of(table, where, 512),
    )


def _file(table: Mapping[str, Any], where: str) -> str:
    name = file_of(table, where)
    if name.replace(BAND_FIELD, "").strip("{}") != name.replace(BAND_FIELD, ""):
        raise PredictorError(f"{where}: the key 'file' is '{name}'; only {BAND_FIELD} may stand in braces.")
    return name


def _source(table: Mapping[str, Any], where: str) -> CatalogueSource | FileSource:
    if ("api" in table) == ("files" in table):
        raise PredictorError(f"{where}: write either 'api' (a STAC catalogue) or 'files' (rasters of this machine).")
    if "files" in table:
        return FileSource(text_of(table, "files", where), positive_of(table, "source_scale", where, 1.0), where)
    api = text_of(table, "api", where)
    if not api.startswith(("http://", "https://")):
        raise PredictorError(f"{where}: the key 'api' is '{api}'; write the address of a STAC API (https://...).")
    offset = value_of(table, "offset", float, where, None)
    return CatalogueSource(
        api=api,
        collection=text_of(table, "collection", where),
        max_cloud_cover=float(value_of(table, "max_cloud_cover", float, where, 100.0)),
        offset=None if offset is None else float(offset),
    )


def _kept(table: Mapping[str, Any], bands: tuple[str, ...], where: str) -> tuple[str, ...]:
    indices = choices_of(table, "indices", tuple(INDICES), where, ())
    for name in indices:
        if missing := missing_bands(name, bands):
            raise PredictorError(f"{where}: the index {name} needs {', '.join(missing)}; add it to 'bands'.")
        if name in bands:
            raise PredictorError(f"{where}: '{name}' is a band and an index; rename the band or drop the index.")
    kept = (*choices_of(table, "keep_bands", bands, where, bands), *indices)
    if not kept:
        raise PredictorError(f"{where}: nothing is kept; name some bands in 'keep_bands' or some 'indices'.")
    return kept


def _period(table: Mapping[str, Any], where: str) -> tuple[str, str]:
    days = text_of(table, "start", where, "01-01"), text_of(table, "end", where, "12-31")
    for key, day in zip(("start", "end"), days, strict=True):
        try:
            date.fromisoformat(f"{_COMMON_YEAR}-{day}")
        except ValueError as error:
            raise PredictorError(f"{where}: the key '{key}' is '{day}'; write month and day, as 03-01.") from error
    if days[0] >= days[1]:
        raise PredictorError(f"{where}: 'start' is {days[0]} and 'end' {days[1]}; the start comes first.")
    return days


def _days_of(table: Mapping[str, Any], key: str, where: str) -> int:
    days = int(value_of(table, key, int, where, 0))
    if days < 0:
        raise PredictorError(f"{where}: the key '{key}' is {days}; write a number of days from 0.")
    return days


def _masked(table: Mapping[str, Any], where: str) -> tuple[int, ...]:
    classes = value_of(table, "masked_classes", list, where, list(DEFAULT_MASKED))
    for one in classes:
        if one not in SCENE_CLASSES:
            raise PredictorError(f"{where}: the key 'masked_classes' has {one!r}; use scene classes 0 to 11.")
    return tuple(classes)


def _dilation(table: Mapping[str, Any], where: str) -> float:
    metres = float(value_of(table, "dilation_m", float, where, DEFAULT_DILATION_M))
    if not 0 <= metres < float("inf"):
        raise PredictorError(f"{where}: the key 'dilation_m' is {metres:g}; write metres from 0.")
    return metres
