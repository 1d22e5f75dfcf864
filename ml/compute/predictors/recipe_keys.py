"""Keys that several sections of the recipe read alike."""

import re
from collections.abc import Mapping
from typing import Any

from ml.compute.predictors.errors import PredictorError
from ml.compute.region.keys import text_of, value_of

WINDOWS_PX = (512, 1024)
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._{}-]*\.tif")


def require_known_keys(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Raise PredictorError where a section has a key that nothing reads: most often a slip of the pen."""
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise PredictorError(f"{where}: the key '{unknown[0]}' is unknown; the keys are {', '.join(known)}.")


def file_of(table: Mapping[str, Any], where: str) -> str:
    """The name of the file to write.

    Raises:
        PredictorError: no plain name ending in .tif.
    """
    name = str(text_of(table, "file", where))
    if not _FILE.fullmatch(name):
        raise PredictorError(f"{where}: the key 'file' is '{name}'; write a plain name, as s2.tif.")
    return name


def choices_of(
    table: Mapping[str, Any], key: str, allowed: tuple[str, ...], where: str, default: tuple[str, ...]
) -> tuple[str, ...]:
    """A list of names, each one of those allowed.

    Raises:
        PredictorError: a name is unknown or written twice.
    """
    names = value_of(table, key, list, where, list(default))
    for name in names:
        if name not in allowed:
            raise PredictorError(f"{where}: the key '{key}' has {name!r}; use {', '.join(allowed)}.")
        if names.count(name) > 1:
            raise PredictorError(f"{where}: the key '{key}' has '{name}' twice; keep one.")
    return tuple(names)


def choice_of(table: Mapping[str, Any], key: str, allowed: tuple[str, ...], where: str, default: str) -> str:
    """A name among those allowed.

    Raises:
        PredictorError: the name is unknown.
    """
    name = str(text_of(table, key, where, default))
    if name not in allowed:
        raise PredictorError(f"{where}: the key '{key}' is '{name}'; use {', '.join(allowed)}.")
    return name


def renamed_bands_of(table: Mapping[str, Any], where: str) -> dict[str, str]:
    """Bands as `["B04"]` or `{ B04 = "red" }`: the name in the stack, then the name in the source.

    Raises:
        PredictorError: neither a list of texts nor a table of texts.
    """
    bands = table.get("bands")
    if isinstance(bands, list) and len(set(map(str, bands))) == len(bands):
        bands = {str(band): str(band) for band in bands}
    if not isinstance(bands, dict) or not bands or not all(isinstance(one, str) and one for one in bands.values()):
        raise PredictorError(
            f"{where}: the key 'bands' is {table.get('bands')!r}; write a list as [\"B04\"] "
            'or a table as { B04 = "red" }, each band once.'
        )
    return bands


def window_of(table: Mapping[str, Any], where: str, default: int) -> int:
    """Side of the windows worked in, in cells.

    Raises:
        PredictorError: neither a block of the files nor two.
    """
    side = int(value_of(table, "window_px", int, where, default))
    if side not in WINDOWS_PX:
        raise PredictorError(f"{where}: the key 'window_px' is {side}; write {WINDOWS_PX[0]} or {WINDOWS_PX[1]}.")
    return side
