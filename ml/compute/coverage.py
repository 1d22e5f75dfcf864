"""Decided outlines in a coverage of polygons: they cut or feed their neighbours, and leave no gap and no overlap."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from ml.compute.coverage_check import is_coverage
from ml.compute.coverage_faces import Faces, cut_faces
from ml.compute.errors import CoverageError

# Relative to the area of the polygons worked on: what rounding may add or lose.
AREA_TOLERANCE = 1e-6
# What may come and go where the map overlapped itself, or crossed itself, before.
DEFECT_TOLERANCE = 1e-2


@dataclass(frozen=True)
class Paint:
    """Ground that takes a code."""

    outline: BaseGeometry
    code: str


@dataclass(frozen=True)
class Rules:
    """How outlines meet the coverage.

    Attributes:
        snap_m: vertices of outlines nearer than this to the coverage move onto it.
        least_m2: the minimum unit; what a cut leaves smaller joins the neighbour it shares most border with.
        feeds: whether painted ground joins a neighbour of its code; ground under the unit always does.
    """

    snap_m: float
    least_m2: float
    feeds: bool = False


@dataclass(frozen=True)
class Share:
    """A part of a polygon: which polygon it comes from, which paint covers it (-1: none), and its area."""

    parent: int
    paint: int
    area_m2: float


@dataclass(frozen=True)
class Piece:
    """A polygon that is new or changed.

    Attributes:
        parent: place of the polygon that it continues; None for a new one.
        code: its code.
        outline: its polygon.
        shares: what it is made of.
        is_same_ground: nothing but vertices on its outline changed.
    """

    parent: int | None
    code: str
    outline: BaseGeometry
    shares: tuple[Share, ...]
    is_same_ground: bool


@dataclass(frozen=True)
class Repainted:
    """What became of a coverage.

    Attributes:
        pieces: polygons that are new or changed.
        gone: places of the polygons that are no more.
        ground: where the paints hold, clipped to the coverage; what was too small to stand is left out.
        changed_m2: area whose code changed by the paints.
    """

    pieces: tuple[Piece, ...]
    gone: tuple[int, ...]
    ground: BaseGeometry
    changed_m2: float


@dataclass
class _Board:
    """Connected parts of one polygon or of one paint, and which of them join which."""

    faces: Faces
    areas: NDArray[np.float64]
    codes: NDArray[np.intp]
    is_painted: NDArray[np.bool_]
    is_refused: NDArray[np.bool_]
    part_of: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    beside: dict[int, dict[int, float]] = field(default_factory=dict)
    root_of: dict[int, int] = field(default_factory=dict)

    def root(self, part: int) -> int:
        """The part that a part has joined, itself while it stands."""
        while self.root_of[part] != part:
            part = self.root_of[part]
        return part


def repaint(polygons: NDArray[np.object_], codes: Sequence[str], paints: Sequence[Paint], *, rules: Rules) -> Repainted:
    """Give ground to codes in a coverage.

    Args:
        polygons: (n,) a valid coverage, in metres: the polygons that the outlines meet, and those around that may
            take what a cut leaves.
        codes: (n,) their codes.
        paints: outlines and the code each decides; the last one wins where several overlap.
        rules: how they meet the coverage.

    Returns:
        The polygons that changed. Together with the others they are a valid coverage of the same area.

    Raises:
        CoverageError: rounding would leave a gap or an overlap.
    """
    words = {code: number for number, code in enumerate(dict.fromkeys([*codes, *(paint.code for paint in paints)]))}
    numbers = np.array([words[code] for code in codes], np.intp)
    faces = cut_faces(polygons, [paint.outline for paint in paints], snap_m=rules.snap_m)
    decided = np.array([words[paint.code] for paint in paints] + [-1], np.intp)[faces.paints]
    is_painted = (faces.paints >= 0) & (decided != numbers[faces.parents])
    board = _Board(
        faces=faces,
        areas=shapely.area(faces.shapes),
        codes=np.where(is_painted, decided, numbers[faces.parents]),
        is_painted=is_painted,
        is_refused=np.zeros(is_painted.size, bool),
    )
    _refuse_small_paints(board, numbers, rules.least_m2)
    _feed(board, rules)
    _give_away_remnants(board, rules.least_m2)
    repainted = _gathered(board, polygons, list(words))
    _check(polygons, repainted)
    return repainted


def _lay_out(board: _Board) -> None:
    """Find the connected parts and the border between them."""
    faces, count = board.faces, board.faces.shapes.size
    groups = np.where(board.is_painted, board.faces.parents.max() + 1 + board.codes, faces.parents)
    borders = faces.borders
    same = groups[borders.first] == groups[borders.second]
    links = coo_array((np.ones(same.sum()), (borders.first[same], borders.second[same])), shape=(count, count))
    board.part_of = connected_components(links, directed=False)[1].astype(np.intp)
    board.root_of = {part: part for part in range(int(board.part_of.max()) + 1)}
    board.beside = {part: {} for part in board.root_of}
    for one, other, length in zip(
        board.part_of[borders.first[~same]].tolist(),
        board.part_of[borders.second[~same]].tolist(),
        borders.length[~same].tolist(),
        strict=True,
    ):
        board.beside[one][other] = board.beside[one].get(other, 0.0) + length
        board.beside[other][one] = board.beside[other].get(one, 0.0) + length


def _part_facts(board: _Board) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.bool_]]:
    """Area, code and paintedness of each part."""
    first = np.unique(board.part_of, return_index=True)[1]
    return np.bincount(board.part_of, board.areas).astype(np.float64), board.codes[first], board.is_painted[first]


def _refuse_small_paints(board: _Board, numbers: NDArray[np.intp], least_m2: float) -> None:
    """Painted ground under the unit stays what it was, unless a neighbour of its code can take it."""
    _lay_out(board)
    areas, codes, is_painted = _part_facts(board)
    small = [
        part
        for part in np.flatnonzero(is_painted & (areas < least_m2)).tolist()
        if not any(codes[other] == codes[part] for other in board.beside[part])
    ]
    refused = np.isin(board.part_of, small)
    if refused.any():
        board.is_refused |= refused
        board.is_painted &= ~refused
        board.codes[refused] = numbers[board.faces.parents[refused]]
        _lay_out(board)


def _feed(board: _Board, rules: Rules) -> None:
    """Join painted parts to the neighbour of their code that they share most border with."""
    areas, codes, is_painted = _part_facts(board)
    for part in np.flatnonzero(is_painted).tolist():
        if rules.feeds or areas[part] < rules.least_m2:
            alike = [other for other in board.beside[part] if codes[other] == codes[part]]
            _join_longest(board, part, alike, areas)


def _give_away_remnants(board: _Board, least_m2: float) -> None:
    """What a cut leaves under the unit joins the neighbour it shares most border with, the smallest first."""
    areas, _codes, is_painted = _part_facts(board)
    cut = np.unique(board.faces.parents[board.is_painted])
    remnant = np.zeros(areas.size, bool)
    remnant[board.part_of[np.isin(board.faces.parents, cut) & ~board.is_painted]] = True
    small = np.flatnonzero(remnant & ~is_painted & (areas < least_m2))
    for part in small[np.argsort(areas[small], kind="stable")].tolist():
        _join_longest(board, part, list(board.beside[part]), areas)


def _join_longest(board: _Board, part: int, others: Iterable[int], areas: NDArray[np.float64]) -> None:
    lengths: dict[int, float] = {}
    for other in others:
        root = board.root(other)
        lengths[root] = lengths.get(root, 0.0) + board.beside[part][other]
    lengths.pop(board.root(part), None)
    if lengths and board.root(part) == part:
        board.root_of[part] = max(lengths, key=lambda root: (lengths[root], areas[root], -root))


def _gathered(board: _Board, polygons: NDArray[np.object_], words: Sequence[str]) -> Repainted:
    """The polygons that the joined parts make, told apart from those that did not change."""
    faces = board.faces
    roots = np.array([board.root(part) for part in board.part_of.tolist()], np.intp)
    continued = _continued(board, roots)
    pieces = []
    for root in np.unique(roots).tolist():
        of_root = np.flatnonzero(roots == root)
        parent = continued.get(root)
        is_whole = parent is not None and _is_whole(board, of_root, parent)
        outline = faces.shapes[of_root[0]] if of_root.size == 1 else shapely.coverage_union_all(faces.shapes[of_root])
        if is_whole and _same_vertices(outline, polygons[parent]):
            continue
        code = words[int(board.codes[np.flatnonzero(board.part_of == root)[0]])]
        pieces.append(Piece(parent, code, outline, _shares(board, of_root), is_same_ground=is_whole))
    asserted = (faces.paints >= 0) & ~board.is_refused
    return Repainted(
        pieces=tuple(pieces),
        gone=tuple(sorted(set(faces.parents.tolist()) - set(continued.values()))),
        ground=_ground(faces.shapes[asserted]),
        changed_m2=float(board.areas[board.is_painted].sum()),
    )


def _continued(board: _Board, roots: NDArray[np.intp]) -> dict[int, int]:
    """The polygon that each joined part continues: the largest rest of it, else what was painted over most of it."""
    standing: dict[int, int] = {}
    is_own = (roots == board.part_of) & ~board.is_painted
    sizes = np.bincount(board.part_of, board.areas)
    for part in sorted(set(board.part_of[is_own].tolist()), key=lambda one: (-sizes[one], one)):
        parent = int(board.faces.parents[np.flatnonzero(board.part_of == part)[0]])
        if parent not in standing.values():
            standing[part] = parent
    swallowed = ~np.isin(board.faces.parents, list(standing.values()))
    votes: dict[tuple[int, int], float] = {}
    for face in np.flatnonzero(swallowed & np.isin(roots, roots[board.is_painted])).tolist():
        key = (int(roots[face]), int(board.faces.parents[face]))
        votes[key] = votes.get(key, 0.0) + board.areas[face]
    for root, parent in sorted(votes, key=lambda key: (-votes[key], key)):
        if root not in standing and parent not in standing.values():
            standing[root] = parent
    return standing


def _is_whole(board: _Board, of_root: NDArray[np.intp], parent: int) -> bool:
    """Whether a part is all of a polygon and nothing else, under the code it had."""
    mine = np.flatnonzero(board.faces.parents == parent)
    return mine.size == of_root.size and bool((mine == of_root).all()) and not board.is_painted[mine].any()


def _same_vertices(one: Any, other: Any) -> bool:
    """Whether two equal polygons have the same vertices; a face has those of its polygon, or more."""
    return bool(shapely.get_num_coordinates(one) == shapely.get_num_coordinates(other))


def _shares(board: _Board, of_root: NDArray[np.intp]) -> tuple[Share, ...]:
    found: dict[tuple[int, int], float] = {}
    for face in of_root.tolist():
        paint = int(board.faces.paints[face]) if board.is_painted[face] else -1
        key = (int(board.faces.parents[face]), paint)
        found[key] = found.get(key, 0.0) + float(board.areas[face])
    return tuple(Share(parent, paint, area) for (parent, paint), area in found.items())


def _ground(shapes: NDArray[np.object_]) -> BaseGeometry:
    if not shapes.size:
        return shapely.MultiPolygon()
    return shapely.MultiPolygon(list(shapely.get_parts(shapely.coverage_union_all(shapes))))


def _check(polygons: NDArray[np.object_], repainted: Repainted) -> None:
    """Refuse a result with a gap, an overlap or another area.

    Raises:
        CoverageError: it has one.
    """
    replaced = {*repainted.gone, *(piece.parent for piece in repainted.pieces)}
    kept = [place for place in range(polygons.size) if place not in replaced]
    after = np.concatenate([polygons[kept], np.array([piece.outline for piece in repainted.pieces], object)])
    before_m2, after_m2 = shapely.area(polygons).sum(), shapely.area(after).sum()
    is_polygonal = bool((shapely.get_type_id(after) == shapely.GeometryType.POLYGON).all())
    lost = abs(after_m2 - before_m2) / before_m2
    is_sound = lost <= AREA_TOLERANCE and is_coverage(after)
    if not is_polygonal or not (is_sound or (_had_defect(polygons) and lost <= DEFECT_TOLERANCE)):
        raise CoverageError("This outline cannot be drawn without leaving a gap; move it a little, or draw it simpler.")


def _had_defect(polygons: NDArray[np.object_]) -> bool:
    """A map with a defect is not refused for it: nobody could ever correct the place."""
    return not (is_coverage(polygons) and shapely.is_valid(polygons).all())
