"""How far a cell lies from everything that was learned, in the space of the features."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ml.compute.cross_validation import few_of_each

COMPONENTS = 8
# Training cells compared; more hardly move the nearest distance, and the tree of neighbours stays small.
MOST_CELLS = 20_000
USUAL_QUANTILE = 0.95
# Cells of each block whose distance to other blocks is looked at.
CELLS_OF_BLOCK = 10
_SMALLEST = 1e-9


@dataclass(frozen=True)
class KnownGround:
    """The cells that were learned, in their main components.

    Attributes:
        mean: (features,) of the training cells.
        axes: (features, components) from standardised features to components.
        tree: neighbours among the training cells.
        usual: distance that 95 % of training cells keep under to the nearest one of another block.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    tree: cKDTree
    usual: float

    @classmethod
    def of_cells(cls, values: NDArray[np.float32], groups: NDArray[np.intp], *, seed: int) -> Self:
        """Learn what is known.

        Args:
            values: (cells, features) of the training cells.
            groups: (cells,) spatial block of each.
            seed: of the draw where there are more than MOST_CELLS.
        """
        if len(values) > MOST_CELLS:
            kept = np.sort(np.random.default_rng(seed).permutation(len(values))[:MOST_CELLS])
            values, groups = values[kept], groups[kept]
        mean, spread = values.mean(axis=0, dtype=np.float64), values.std(axis=0, dtype=np.float64)
        scale = np.where(spread > 0, 1 / np.maximum(spread, _SMALLEST), 0.0)
        standard = (values - mean) * scale
        covariance = standard.T @ standard
        axes = scale[:, None] * np.linalg.eigh(covariance)[1][:, ::-1][:, :COMPONENTS]
        points = (values - mean) @ axes
        return cls(mean, axes, cKDTree(points), _usual_distance(points, groups))

    def novelty(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """(cells,) distance to the nearest training cell of (cells, features), in usual distances."""
        distances, _ = self.tree.query((values - self.mean) @ self.axes)
        return np.asarray(distances / self.usual)


def _usual_distance(points: NDArray[np.float64], groups: NDArray[np.intp]) -> float:
    """From training cells to the nearest one of another block: neighbours in space would look too near."""
    kept = few_of_each(groups, most=groups.size, each=CELLS_OF_BLOCK, seed=0)
    points, groups = points[kept], groups[kept]
    # One neighbour more than a block has cells: at least one is of another block, where there is one.
    count = min(CELLS_OF_BLOCK + 1, len(points))
    distances, neighbours = cKDTree(points).query(points, k=count)
    is_other = groups[neighbours.reshape(len(points), -1)] != groups[:, None]
    nearest = np.where(is_other, distances.reshape(is_other.shape), np.inf).min(axis=1)
    known = nearest[np.isfinite(nearest)]
    return max(float(np.quantile(known, USUAL_QUANTILE)) if known.size else 1.0, _SMALLEST)
