"""Training cells of three classes in blocks, with levels that tell them apart, and labels made wrong on purpose."""

import numpy as np

from ml.compute.growing import TrainingCells

CODES = ["A", "B", "C"]


def noisy_cells(*, blocks=30, samples_per_block=2, cells=6, wrong=(), spread=1500, seed=0):
    """Return the cells and the (cells,) sample of each; samples in `wrong` carry the next class's label."""
    random = np.random.default_rng(seed)
    samples = np.repeat(np.arange(blocks * samples_per_block), cells)
    truth = samples % 3
    levels = random.normal(0, spread, (samples.size, 4))
    levels[:, 0] += truth * 4000
    levels[:, 1] -= truth * 3000
    classes = np.where(np.isin(samples, wrong), (truth + 1) % 3, truth)
    lesson = TrainingCells(levels.astype(np.int16), classes, samples // samples_per_block, np.ones(samples.size))
    return lesson, samples
