"""What every factory counts on: squares on a grid, a moment, a day, scores."""

import datetime

from django.contrib.gis.geos import MultiPolygon
from django.contrib.gis.geos import Polygon as Outline

WEST, SOUTH, SIDE_DEGREES = 2.30, 43.60, 0.02
PASSWORD = "a-long-enough-password"
AN_INSTANT = datetime.datetime(2024, 6, 1, 9, 0, tzinfo=datetime.UTC)
A_DAY = datetime.date(2024, 1, 1)


def square(column=0, row=0, *, side=SIDE_DEGREES):
    """A square of `side` degrees whose lower left corner is on the grid, in SRID 4326."""
    west, south = WEST + column * SIDE_DEGREES, SOUTH + row * SIDE_DEGREES
    outline = Outline.from_bbox((west, south, west + side, south + side))
    outline.srid = 4326
    return outline


def as_multi(outline):
    """One part, in the column type of territories."""
    return MultiPolygon(outline, srid=outline.srid)


def example_scores(codes, *, accuracy=0.9, cells=100):
    """Scores as ml.compute.scores writes them: each class loses the same share of its cells to the next one."""
    lost = round(cells * (1 - accuracy)) if len(codes) > 1 else 0
    matrix = [[0] * len(codes) for _code in codes]
    for row in range(len(codes)):
        matrix[row][row] = cells - lost
        matrix[row][(row + 1) % len(codes)] += lost
    share = (cells - lost) / cells
    score = {"precision": share, "recall": share, "f1": share, "support": cells}
    return {
        "macro_f1": share,
        "overall_accuracy": share,
        "test_samples": len(codes) * 4,
        "test_cells": len(codes) * cells,
        "per_class": {code: dict(score) for code in codes},
        "confusion": {"labels": list(codes), "matrix": matrix},
    }
