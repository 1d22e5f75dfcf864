"""A small network on whole numbers, run by onnxruntime: what a forest taught it, for a fraction of the cost."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Code of a feature's centre; codes run from 0 to 255.
CENTRE_CODE = 128
HIGHEST_CODE = 255
# Cells that onnxruntime sees at once: their activations stay in the second cache.
BATCH = 4096
_RUN = 64
INPUT, OUTPUT = "codes", "shares"


@dataclass(frozen=True)
class DistilledNetwork:
    """A network on int8 weights and uint8 activations.

    Attributes:
        graph: the ONNX model, from (cells, features) uint8 codes to (cells, classes) float32 shares.
        centre: (features,) float32 level that becomes CENTRE_CODE.
        codes_per_level: (features,) float32.
        class_count: number of classes.
    """

    graph: bytes
    centre: NDArray[np.float32]
    codes_per_level: NDArray[np.float32]
    class_count: int

    def shares(self, levels: NDArray[np.int16]) -> NDArray[np.float32]:
        """The share of each class at each cell.

        Args:
            levels: (features, cells) int16.

        Returns:
            (cells, classes) float32, summing to 1 along the classes.
        """
        shares = np.empty((levels.shape[1], self.class_count), np.float32)
        codes = np.empty((BATCH, levels.shape[0]), np.uint8)
        for start in range(0, levels.shape[1], BATCH):
            size = min(BATCH, levels.shape[1] - start)
            encode_levels(levels, start, self.centre, self.codes_per_level, codes[:size])
            shares[start : start + size] = self._session.run([OUTPUT], {INPUT: codes[:size]})[0]
        return shares

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # One thread: workers are what is parallel here, and the same sums come out whatever their number.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(self.graph, options, providers=["CPUExecutionProvider"])


@njit(cache=True, nogil=True)
def encode_levels(
    levels: NDArray[np.int16],
    start: int,
    centre: NDArray[np.float32],
    codes_per_level: NDArray[np.float32],
    codes: NDArray[np.uint8],
) -> None:
    """Write the levels of some cells as codes of one byte, cell after cell.

    Args:
        levels: (features, all cells).
        start: first cell to write.
        centre: (features,) level of CENTRE_CODE.
        codes_per_level: (features,).
        codes: (cells, features) uint8, written.
    """
    cells, features = codes.shape
    column = np.empty(_RUN, np.uint8)
    for first in range(0, cells, _RUN):
        size = min(_RUN, cells - first)
        block = codes[first : first + size]
        for feature in range(features):
            # Slices and a column of its own let the compiler go by vectors.
            _encode(
                levels[feature, start + first : start + first + size], centre[feature], codes_per_level[feature], column
            )
            for i in range(size):
                block[i, feature] = column[i]


@njit(cache=True, nogil=True)
def _encode(
    levels: NDArray[np.int16], centre: np.float32, codes_per_level: np.float32, codes: NDArray[np.uint8]
) -> None:
    shift = np.float32(CENTRE_CODE + 0.5) - centre * codes_per_level
    for i in range(levels.size):
        code = np.float32(levels[i]) * codes_per_level + shift
        codes[i] = np.uint8(np.int32(min(max(code, np.float32(0)), np.float32(HIGHEST_CODE))))
