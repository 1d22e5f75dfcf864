"""A network that learns to answer as a forest does, from the samples and from unlabelled cells the forest labels."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from ml.compute.network import CENTRE_CODE, DistilledNetwork, encode_levels
from ml.compute.network_graph import Layer, quantised_graph

HIDDEN = (64, 48)
EPOCHS = 24
BATCH_CELLS = 512
LEARNING_RATE = 3e-3
# Standard deviations on both sides of the median that the codes of a feature span.
SPAN = 4.0
# Weight of all samples together beside all cells that the forest labelled.
SAMPLE_SHARE = 0.5
# 0 takes classes as frequent as the forest draws them, 1 as if all were equally frequent.
BALANCE = 0.5
CALIBRATION_CELLS = 20_000


@dataclass(frozen=True)
class Lessons:
    """What a network learns from.

    Attributes:
        levels: (cells, features) int16.
        classes: (cells,) place of the class, by a sample or by the forest.
        is_sample: (cells,) whether a sample gave the class.
    """

    levels: NDArray[np.int16]
    classes: NDArray[np.intp]
    is_sample: NDArray[np.bool_]


def distil_network(lessons: Lessons, *, class_count: int, seed: int, sharpness: float = 1.0) -> DistilledNetwork:
    """Train a network and turn it into whole numbers.

    Args:
        lessons: what to learn from; every class has a cell.
        class_count: number of classes.
        seed: of the draws.
        sharpness: power given to the shares.

    Returns:
        The network; the same lessons and seed give the same bytes.
    """
    centre, codes_per_level = _codes_of(lessons.levels)
    codes = np.empty(lessons.levels.shape, np.uint8)
    encode_levels(np.ascontiguousarray(lessons.levels.T), 0, centre, codes_per_level, codes)
    unit = SPAN / CENTRE_CODE
    inputs = (codes.astype(np.float32) - CENTRE_CODE) * np.float32(unit)
    layers = _train(inputs, lessons, seed)
    layers[-1] = Layer(layers[-1].weights * sharpness, layers[-1].bias * sharpness)
    calibration = np.random.default_rng(seed).permutation(len(codes))[:CALIBRATION_CELLS]
    graph = quantised_graph(layers, codes[calibration], unit)
    return DistilledNetwork(graph, centre, codes_per_level, class_count)


def _codes_of(levels: NDArray[np.int16]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The level of the central code and the codes per level of each feature."""
    low, centre, high = np.percentile(levels, [16, 50, 84], axis=0)
    deviation = np.maximum((high - low) / 2, levels.std(axis=0) / 4)
    return centre.astype(np.float32), (CENTRE_CODE / (SPAN * np.maximum(deviation, 1))).astype(np.float32)


def _train(inputs: NDArray[np.float32], lessons: Lessons, seed: int) -> list[Layer]:
    network = MLPClassifier(
        HIDDEN,
        batch_size=min(BATCH_CELLS, len(inputs)),
        learning_rate_init=LEARNING_RATE,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        random_state=seed,
    )
    # One thread: sums in another order would give other bytes.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(inputs, lessons.classes, sample_weight=_weights(lessons))
    layers = [Layer(w.astype(float), b.astype(float)) for w, b in zip(network.coefs_, network.intercepts_, strict=True)]
    if layers[-1].bias.size == 1:  # scikit-learn tells two classes by one score: the other's is 0
        last = layers[-1]
        layers[-1] = Layer(np.hstack([0 * last.weights, last.weights]), np.append(0.0, last.bias))
    return layers


def _weights(lessons: Lessons) -> NDArray[np.float32]:
    """Weights that give rare classes some of the voice they lack, and samples theirs."""
    weights = np.zeros(lessons.classes.size)
    for chosen, share in ((lessons.is_sample, SAMPLE_SHARE), (~lessons.is_sample, 1 - SAMPLE_SHARE)):
        if chosen.any():
            counts = np.bincount(lessons.classes[chosen])
            own = counts[lessons.classes[chosen]] ** -BALANCE
            weights[chosen] = share * own / own.sum()
    return (weights * lessons.classes.size / weights.sum()).astype(np.float32)
