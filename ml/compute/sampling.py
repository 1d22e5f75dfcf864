"""Points drawn by probability over a map: stratified, without replacement, the same from the same seed.

A cell's rank is a hash of its place and the seed, and a stratum's sample is its cells of lowest rank: a simple random
sample that depends neither on the order of reading, nor on threads, nor on a version of numpy.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.compute.errors import AuditError
from ml.compute.grids import Grid
from ml.compute.strata import StrataSource, strata_of_blocks, strata_of_classes

ALGORITHM = "splitmix64 rank of cells, 1"
FEWEST_OF_A_STRATUM = 15
# Under two points a stratum has no variance to estimate.
SMALLEST_STRATUM = 2
# Half equal, half proportional: overall accuracy wants the second, the accuracy of rare classes the first.
EQUAL_SHARE = 0.5
SMALL_STRATA = "small strata"


@dataclass(frozen=True)
class DrawnPoint:
    """The centre of a drawn cell: x and y in the grid's CRS, to a decimetre."""

    number: int
    x: float
    y: float
    stratum: str
    inclusion_probability: float


@dataclass(frozen=True)
class Draw:
    """A stratified random sample of cells.

    Attributes:
        points: numbered in random order, so that a number says nothing of a stratum.
        areas: m² of each stratum.
        cells: cells of each stratum.
        sizes: points of each stratum.
        strata: `classes`, `blocks` or `whole`.
    """

    points: tuple[DrawnPoint, ...]
    areas: dict[str, float]
    cells: dict[str, int]
    sizes: dict[str, int]
    strata: str


def draw_from_classes(
    class_map: Path, *, size: int, seed: int, secret: str = "", fewest: int = FEWEST_OF_A_STRATUM
) -> Draw:
    """Draw cells of a class raster; its classes are the strata, those of few cells being joined.

    Args:
        class_map: a class raster; cells of 0 are not drawn.
        size: points in all.
        seed: public half of the seed.
        secret: other half, kept until the points are public; empty for a draw that anybody may repeat.
        fewest: points that each stratum gets, as `allocate` says; classes of fewer cells are joined.

    Raises:
        AuditError: the size is too small for the strata, or larger than the map.
        RasterError: the raster cannot be used.
    """
    return draw_from_strata(strata_of_classes(Path(class_map)), size=size, seed=seed, secret=secret, fewest=fewest)


def draw_from_stack(stack_paths: Iterable[Path], *, size: int, seed: int, secret: str = "") -> Draw:
    """Draw cells of a stack that has no map yet; the strata are square blocks of one area, drawn in proportion.

    A sample of few points is a simple random one.

    Args:
        stack_paths: the rasters of the year; cells without any date are not drawn.
        size: points in all.
        seed: public half of the seed.
        secret: other half, as for `draw_from_classes`.

    Raises:
        AuditError: the size is too small, or larger than the map.
        StackError: the stack cannot be used.
    """
    source = strata_of_blocks([Path(path) for path in stack_paths], size)
    return _draw(source, size=size, key=_key_of(seed, secret), fewest=SMALLEST_STRATUM, equal_share=0.0)


def draw_from_strata(
    source: StrataSource, *, size: int, seed: int, secret: str = "", fewest: int = FEWEST_OF_A_STRATUM
) -> Draw:
    """Draw cells of strata of any kind; those of few cells are joined.

    Args:
        source: the strata.
        size: points in all.
        seed: public half of the seed.
        secret: other half, as for `draw_from_classes`.
        fewest: points that each stratum gets, as `allocate` says; strata of fewer cells are joined.

    Raises:
        AuditError: the size is too small for the strata, or larger than the map.
    """
    return _draw(source, size=size, key=_key_of(seed, secret), fewest=fewest, equal_share=EQUAL_SHARE)


def allocate(cells: Mapping[str, int], *, size: int, fewest: int, equal_share: float) -> dict[str, int]:
    """Share points among strata, between an equal number each and a number in proportion to their cells.

    Each stratum first gets `fewest` points, or all its cells; the others go one by one to the stratum that lacks
    most of its ideal share.

    Args:
        cells: cells of each stratum.
        size: points in all.
        fewest: points that a stratum gets at least; lowered where this would take more than half of the points.
        equal_share: 0 proportional, 1 equal.

    Returns:
        Points of each stratum, adding up to `size`.

    Raises:
        AuditError: there are fewer points than two per stratum, or more points than cells.
    """
    names, whole = sorted(cells), sum(cells.values())
    if size < SMALLEST_STRATUM * len(names):
        raise AuditError(
            f"{size} points for {len(names)} strata: ask for {SMALLEST_STRATUM * len(names)} points or more."
        )
    if size > whole:
        raise AuditError(f"{size} points, but only {whole} cells have data; ask for fewer.")
    floor = max(SMALLEST_STRATUM, min(fewest, size // (2 * len(names))))
    ideal = {n: size * ((1 - equal_share) * cells[n] / whole + equal_share / len(names)) for n in names}
    points = {name: min(floor, cells[name]) for name in names}
    for _point in range(size - sum(points.values())):
        open_names = [name for name in names if points[name] < cells[name]]
        points[max(open_names, key=lambda name: (ideal[name] - points[name], name))] += 1
    return points


def canonical_text(draw: Draw, facts: Mapping[str, Any]) -> str:
    """The one text whose SHA-256 is published before mapping: what is known at once, then the points.

    Args:
        draw: the points.
        facts: JSON values that say what was drawn: region, year, seed, size, strata areas, version of the code.

    Returns:
        JSON with sorted keys and no space; coordinates to a decimetre, probabilities to twelve digits.
    """
    return canonical_text_of(((p.number, p.x, p.y, p.stratum, p.inclusion_probability) for p in draw.points), facts)


def canonical_text_of(points: Iterable[tuple[int, float, float, str, float]], facts: Mapping[str, Any]) -> str:
    """The same, from rows of number, x, y, stratum and inclusion probability."""
    rows = [[number, f"{x:.1f}", f"{y:.1f}", stratum, f"{share:.12g}"] for number, x, y, stratum, share in points]
    document = {**facts, "points": sorted(rows, key=lambda row: int(str(row[0])))}
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def hash_text(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _key_of(seed: int, secret: str) -> NDArray[np.uint64]:
    """(4,) numbers of 64 bits from both halves of the seed: two for the ranks, two for the numbering."""
    return np.frombuffer(hashlib.sha256(f"{seed}:{secret}".encode()).digest(), ">u8").astype(np.uint64)


def _draw(source: StrataSource, *, size: int, key: NDArray[np.uint64], fewest: int, equal_share: float) -> Draw:
    best = _Best(size)
    for first_cell, strata in source.strips():
        best.add(first_cell, strata, key)
    groups = _joined(source.name_of, best.cells, fewest)
    cells = {name: sum(best.cells.get(place, 0) for place in places) for name, places in groups.items()}
    if not cells:
        raise AuditError("No cell has data: there is nothing to draw from.")
    sizes = allocate(cells, size=size, fewest=fewest, equal_share=equal_share)
    chosen = [(cell, name) for name, places in groups.items() for cell in best.lowest(places, sizes[name])]
    order = np.argsort(_rank(np.array([cell for cell, _name in chosen], np.uint64), key[2:]), kind="stable")
    shares = {name: sizes[name] / cells[name] for name in cells}
    points = tuple(
        _point(number, cell, source.grid, name, shares[name])
        for number, (cell, name) in enumerate((chosen[place] for place in order), start=1)
    )
    areas = {name: round(count * source.cell_area_m2, 1) for name, count in cells.items()}
    return Draw(points=points, areas=areas, cells=cells, sizes=sizes, strata=source.kind)


def _point(number: int, cell: int, grid: Grid, stratum: str, share: float) -> DrawnPoint:
    row, column = divmod(cell, grid.width)
    x, y = grid.transform @ (column + 0.5, row + 0.5)
    return DrawnPoint(number, round(float(x), 1), round(float(y), 1), stratum, share)


class _Best:
    """The cells of lowest rank of each stratum, kept while strips are read: memory does not grow with the map."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.cells: dict[int, int] = {}
        self._kept: dict[int, tuple[NDArray[np.uint64], NDArray[np.int64]]] = {}

    def add(self, first_cell: int, strata: NDArray[np.int64], key: NDArray[np.uint64]) -> None:
        """Look at a strip: (cells,) place of each cell's stratum, -1 where it has none."""
        places = first_cell + np.arange(strata.size, dtype=np.int64)
        ranks = _rank(places.astype(np.uint64), key[:2])
        for stratum in np.unique(strata[strata >= 0]):
            here = strata == stratum
            self.cells[int(stratum)] = self.cells.get(int(stratum), 0) + int(here.sum())
            self._keep(int(stratum), ranks[here], places[here])

    def lowest(self, strata: Iterable[int], count: int) -> list[int]:
        """The cells of lowest rank of some strata taken together."""
        kept = [self._kept[place] for place in strata if place in self._kept]
        ranks, places = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        return [int(cell) for cell in places[np.lexsort((places, ranks))[:count]]]

    def _keep(self, stratum: int, ranks: NDArray[np.uint64], places: NDArray[np.int64]) -> None:
        if stratum in self._kept:
            ranks = np.concatenate([self._kept[stratum][0], ranks])
            places = np.concatenate([self._kept[stratum][1], places])
        if ranks.size > self.size:
            lowest = np.argpartition(ranks, self.size - 1)[: self.size]
            ranks, places = ranks[lowest], places[lowest]
        self._kept[stratum] = (ranks, places)


def _rank(cells: NDArray[np.uint64], key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A number of 64 bits for each cell, as good as random: splitmix64 twice, with a half of the key each time."""
    with np.errstate(over="ignore"):
        mixed = _mix((cells + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + key[0])
        return _mix(mixed ^ key[1])


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _joined(name_of: Callable[[int], str], cells: Mapping[int, int], fewest: int) -> dict[str, list[int]]:
    """The strata by name; those with fewer cells than the fewest points are one, joined to the next if still small."""
    large = {name_of(place): [place] for place, count in sorted(cells.items()) if count >= fewest}
    small = [place for place, count in sorted(cells.items()) if count < fewest]
    if not small:
        return large
    if large and sum(cells[place] for place in small) < fewest:
        smallest = min(large, key=lambda name: (sum(cells[place] for place in large[name]), name))
        large[smallest] += small
        return large
    name = name_of(small[0]) if len(small) == 1 else SMALL_STRATA
    return {**large, name: small}
