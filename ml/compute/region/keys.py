"""Typed keys of region.toml: a missing or mistyped one is named with what to write instead."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.compute.errors import RegionFolderError

_TYPE_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", list: "a list"}
_REQUIRED = object()


def value_of(table: Mapping[str, Any], key: str, kind: type, where: Path | str, default: Any = _REQUIRED) -> Any:
    """The value of a key, of the TOML type asked for (`float` accepts whole numbers).

    Raises:
        RegionFolderError: the key is missing and has no default, or has another type.
    """
    if key not in table:
        if default is _REQUIRED:
            raise RegionFolderError(f"{where}: the key '{key}' is missing; add it as {_TYPE_NAMES[kind]}.")
        return default
    value = table[key]
    accepted = (int, float) if kind is float else kind
    # TOML's true is Python's 1: a boolean is only taken where one is asked for.
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise RegionFolderError(f"{where}: the key '{key}' is {value!r}; write it as {_TYPE_NAMES[kind]}.")
    return value


def text_of(table: Mapping[str, Any], key: str, where: Path | str, default: Any = _REQUIRED) -> str:
    """A text without blanks around it.

    Raises:
        RegionFolderError: missing or empty without a default, or no text.
    """
    text = str(value_of(table, key, str, where, default)).strip()
    if not text and default is _REQUIRED:
        raise RegionFolderError(f"{where}: the key '{key}' is empty; fill it.")
    return text


def positive_of(table: Mapping[str, Any], key: str, where: Path | str, default: Any = _REQUIRED) -> float:
    """A finite number above 0.

    Raises:
        RegionFolderError: missing without a default, or not such a number.
    """
    value = float(value_of(table, key, float, where, default))
    if not 0 < value < float("inf"):
        raise RegionFolderError(f"{where}: the key '{key}' is {value:g}; write a number above 0.")
    return value


def texts_of(table: Mapping[str, Any], key: str, where: Path | str) -> tuple[str, ...]:
    """A list of texts with at least one.

    Raises:
        RegionFolderError: missing, empty, or holding something else than texts.
    """
    values = value_of(table, key, list, where)
    if not values or not all(isinstance(value, str) and value.strip() for value in values):
        raise RegionFolderError(f"{where}: the key '{key}' is {values!r}; list at least one text.")
    return tuple(value.strip() for value in values)
