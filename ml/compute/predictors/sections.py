"""What every kind of predictor is to the builder: files to write, and their values window by window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ml.compute.predictors.outputs import OutputFile
from ml.compute.predictors.places import Place
from ml.compute.publishing.manifest import hash_of_file

Planes = NDArray[np.float32]
Levels = NDArray[np.int16]


class OpenSection(Protocol):
    """Sources open, ready to be read."""

    @property
    def files(self) -> tuple[OutputFile, ...]:
        """What is written."""

    @property
    def remote_inputs(self) -> Sequence[dict[str, Any]]:
        """What is read from elsewhere than this machine, for the manifest."""

    def levels(self, window: Window) -> Sequence[Levels]:
        """A window of each file, int16 (bands, rows, columns)."""

    def close(self) -> None:
        """Close the sources."""


class Section(Protocol):
    """One entry of the recipe."""

    @property
    def file(self) -> str:
        """The name written in the recipe."""

    @property
    def window_px(self) -> int:
        """Side of the windows it is worked in."""

    @property
    def licence(self) -> str:
        """Of the source."""

    def parameters(self) -> dict[str, Any]:
        """All that decides its values, as plain JSON."""

    def local_inputs(self, place: Place) -> list[Path]:
        """Files of this machine that it reads."""

    def open(self, place: Place) -> OpenSection:
        """Open the sources."""


@dataclass(frozen=True)
class LocalInput:
    """A file of this machine, as the manifest names it."""

    path: Path
    licence: str

    def as_json(self, folder: Path) -> dict[str, Any]:
        """Its name (relative to the region folder where it lies inside), size, hash and licence."""
        inside = self.path.is_relative_to(folder)
        return {
            "id": str(self.path.relative_to(folder)) if inside else self.path.name,
            "bytes": self.path.stat().st_size,
            "sha256": hash_of_file(self.path),
            "licence": self.licence,
        }


def as_plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Tuples as lists, dates as text, so that what is compared is what was read back from JSON."""
    return {key: _plain(value) for key, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
