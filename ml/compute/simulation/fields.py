"""Random fields: smooth noise, fractal noise, and the patchworks of fields and stands."""

from typing import NamedTuple

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

Field = NDArray[np.float32]

_TWO_TO_24 = 16_777_216.0


class Patchwork(NamedTuple):
    """Land cut into units: fields of a few hectares, stands of trees.

    Attributes:
        unit: (H, W) uint32, a random number that names the unit of a cell.
        block: (H, W) uint32, the same for the group of units (a stand is its own group).
        row, column: (H, W) int16, a cell near the middle of the block, where its conditions are read.
    """

    unit: NDArray[np.uint32]
    block: NDArray[np.uint32]
    row: NDArray[np.int16]
    column: NDArray[np.int16]


def _spline_weights(size: int, cells: int) -> tuple[NDArray[np.int64], Field]:
    """Return, per cell, the first of its four knots and their weights (uniform cubic B-spline)."""
    position = (np.arange(size) + 0.5) / size * cells
    first = np.minimum(position.astype(np.int64), cells - 1)
    f = position - first
    basis = np.stack([(1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, -3 * f**3 + 3 * f**2 + 3 * f + 1, f**3], axis=1)
    return first, (basis / 6).astype(np.float32)


@njit(cache=True, nogil=True)
def _spread(knots: Field, first: NDArray[np.int64], weights: Field) -> Field:
    """Interpolate (n + 3, n + 3) knots, first along columns, then along rows."""
    size = first.size
    wide = np.empty((knots.shape[0], size), np.float32)
    for row in range(knots.shape[0]):
        for column in range(size):
            k = first[column]
            value = weights[column, 0] * knots[row, k] + weights[column, 1] * knots[row, k + 1]
            value += weights[column, 2] * knots[row, k + 2] + weights[column, 3] * knots[row, k + 3]
            wide[row, column] = value
    out = np.empty((size, size), np.float32)
    for row in range(size):
        k = first[row]
        w0, w1, w2, w3 = weights[row, 0], weights[row, 1], weights[row, 2], weights[row, 3]
        for column in range(size):
            value = w0 * wide[k, column] + w1 * wide[k + 1, column]
            out[row, column] = value + w2 * wide[k + 2, column] + w3 * wide[k + 3, column]
    return out


def enlarge(knots: NDArray[np.floating], size: int) -> Field:
    """Return a (size, size) smooth surface through spline knots of shape (n + 3, n + 3)."""
    first, weights = _spline_weights(size, knots.shape[0] - 3)
    return _spread(np.ascontiguousarray(knots, np.float32), first, weights)


def _refine(knots: Field) -> Field:
    """Return the same spline surface on twice as many intervals: (n + 3, n + 3) to (2 n + 3, 2 n + 3)."""
    for _ in range(2):
        finer = np.empty((2 * knots.shape[0] - 3, knots.shape[1]), np.float32)
        finer[0::2] = (knots[:-1] + knots[1:]) / 2
        finer[1::2] = (knots[:-2] + 6 * knots[1:-1] + knots[2:]) / 8
        knots = finer.T
    return np.ascontiguousarray(knots)


def resample(surface: NDArray[np.floating], size: int) -> Field:
    """Return a (n, n) surface at (size, size), smoothed by the spline; the outer rim is repeated."""
    padded = np.pad(surface, 2, mode="edge").astype(np.float32)
    # Knots of the spline stand on the corners of cells: each is the mean of the four cells that meet there.
    return enlarge((padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:]) / 4, size)


def smooth_noise(rng: np.random.Generator, size: int, cells: int) -> Field:
    """Return (size, size) noise of mean 0 and variance near 1, about `cells` bumps across.

    The same generator state gives the same surface at any size.
    """
    return enlarge(_noise_knots(rng, cells), size)


def fractal_noise(rng: np.random.Generator, size: int, *, first: int, last: int, persistence: float = 0.55) -> Field:
    """Return (size, size) noise that sums octaves from `first` to `last` bumps across; variance near 1."""
    # Octaves finer than three cells would only alias.
    finest = min(last, max(first, size // 3))
    knots = _noise_knots(rng, first)
    cells, amplitude, energy = first * 2, persistence, 1.0
    while cells <= finest:
        knots = _refine(knots) + np.float32(amplitude) * _noise_knots(rng, cells)
        energy += amplitude**2
        cells, amplitude = cells * 2, amplitude * persistence
    return enlarge(knots / np.float32(np.sqrt(energy)), size)


def _noise_knots(rng: np.random.Generator, cells: int) -> Field:
    # A cubic B-spline over independent knots keeps 0.48 of their standard deviation in two dimensions.
    return rng.standard_normal((cells + 3, cells + 3), dtype=np.float32) / np.float32(0.48)


@njit(cache=True, nogil=True, inline="always")
def mix64(value: np.uint64) -> np.uint64:
    """Return 64 well-mixed bits of a 64-bit number (splitmix64)."""
    z = uint64(value) + uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    return z ^ (z >> uint64(31))


@njit(cache=True, nogil=True, inline="always")
def draw(key: np.uint64, purpose: int) -> float:
    """Return a number in [0, 1) that depends only on the key and the purpose."""
    return float(mix64(uint64(key) ^ (uint64(purpose) * uint64(0xD6E8FEB86659FD93))) >> uint64(40)) / _TWO_TO_24


@njit(cache=True, nogil=True)
def unit_draws(units: NDArray[np.uint32], key: np.uint64) -> Field:
    """Return one float32 in [0, 1) per cell, the same over a unit; units (H, W) uint32."""
    out = np.empty(units.shape, np.float32)
    for row in range(units.shape[0]):
        for column in range(units.shape[1]):
            out[row, column] = draw(uint64(units[row, column]) ^ uint64(key), 1)
    return out


@njit(cache=True, nogil=True)
def _nearest_seed(y: float, x: float, spacing: float, key: np.uint64) -> tuple[np.uint64, float, float]:
    """Return the key, row and column of the nearest point of a jittered grid."""
    best, best_key, best_y, best_x = 1e18, uint64(0), 0.0, 0.0
    base_row, base_column = int(np.floor(y / spacing)), int(np.floor(x / spacing))
    for row in range(base_row - 1, base_row + 2):
        for column in range(base_column - 1, base_column + 2):
            here = mix64(uint64(key) ^ (uint64(row + 4096) << uint64(20)) ^ uint64(column + 4096))
            seed_y = (row + 0.1 + 0.8 * draw(here, 11)) * spacing
            seed_x = (column + 0.1 + 0.8 * draw(here, 12)) * spacing
            distance = (seed_y - y) ** 2 + (seed_x - x) ** 2
            if distance < best:
                best, best_key, best_y, best_x = distance, here, seed_y, seed_x
    return best_key, best_y, best_x


@njit(cache=True, nogil=True)
def _cut_stands(warp_y: Field, warp_x: Field, spacing: float, reach: float, key: np.uint64) -> tuple:
    size = warp_y.shape[0]
    unit = np.empty((size, size), np.uint32)
    seed_row = np.empty((size, size), np.int16)
    seed_column = np.empty((size, size), np.int16)
    for row in range(size):
        for column in range(size):
            y, x = row + reach * warp_y[row, column], column + reach * warp_x[row, column]
            here, seed_y, seed_x = _nearest_seed(y, x, spacing, key)
            unit[row, column] = here >> uint64(32)
            seed_row[row, column] = min(max(int(seed_y), 0), size - 1)
            seed_column[row, column] = min(max(int(seed_x), 0), size - 1)
    return unit, seed_row, seed_column


@njit(cache=True, nogil=True)
def _cut_fields(size: int, spacing: float, width: float, length: float, key: np.uint64) -> tuple:
    unit = np.empty((size, size), np.uint32)
    block = np.empty((size, size), np.uint32)
    seed_row = np.empty((size, size), np.int16)
    seed_column = np.empty((size, size), np.int16)
    for row in range(size):
        for column in range(size):
            here, seed_y, seed_x = _nearest_seed(row, column, spacing, key)
            angle = np.pi * draw(here, 21)
            grain = 0.7 + 0.9 * draw(here, 22)
            u = ((row - seed_y) * np.cos(angle) + (column - seed_x) * np.sin(angle)) / (width * grain)
            v = ((column - seed_x) * np.cos(angle) - (row - seed_y) * np.sin(angle)) / (length * grain)
            strip = int(np.floor(u)) + 512
            place = int(np.floor(v + draw(here, 100 + strip))) + 512
            unit[row, column] = mix64(here ^ (uint64(strip) << uint64(12)) ^ uint64(place)) >> uint64(32)
            block[row, column] = here >> uint64(32)
            seed_row[row, column] = min(max(int(seed_y), 0), size - 1)
            seed_column[row, column] = min(max(int(seed_x), 0), size - 1)
    return unit, block, seed_row, seed_column


def cut_stands(rng: np.random.Generator, size: int, *, spacing: float) -> Patchwork:
    """Cut a (size, size) grid into rounded stands about `spacing` cells across."""
    bumps = max(8, round(2.5 * size / spacing))
    warp_y, warp_x = (smooth_noise(rng, size, min(bumps, max(4, size // 3))) for _ in range(2))
    key = rng.integers(1, 2**62)
    unit, row, column = _cut_stands(warp_y, warp_x, spacing, 0.22 * spacing, np.uint64(key))
    return Patchwork(unit, unit, row, column)


def cut_fields(rng: np.random.Generator, size: int, *, spacing: float) -> Patchwork:
    """Cut a (size, size) grid into blocks `spacing` cells across, each into straight-sided fields."""
    key = rng.integers(1, 2**62)
    return Patchwork(*_cut_fields(size, spacing, max(3.0, spacing * 0.17), max(5.0, spacing * 0.36), np.uint64(key)))
