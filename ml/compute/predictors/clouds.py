"""Which cells of an image can be used, from the scene classification of Sentinel-2 L2A (SCL)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

SCENE_CLASSES = {
    0: "no data",
    1: "saturated or defective",
    2: "dark area or relief shadow",
    3: "cloud shadow",
    4: "vegetation",
    5: "not vegetated",
    6: "water",
    7: "unclassified",
    8: "cloud, medium probability",
    9: "cloud, high probability",
    10: "thin cirrus",
    11: "snow or ice",
}
# Snow is left out by default: one white day drawn through the spring hides what grows there.
DEFAULT_MASKED = (0, 1, 3, 8, 9, 10, 11)
# Only clouds and their shadows have fuzzy edges.
DILATED = (3, 8, 9, 10)


def usable_cells(scene: NDArray[np.uint8], masked: Sequence[int], dilation_px: float) -> NDArray[np.bool_]:
    """Cells that are neither masked nor near a cloud or its shadow.

    Args:
        scene: (rows, columns) scene classes.
        masked: classes that cannot be used.
        dilation_px: cells up to this far from a masked cloud or shadow are left out too.

    Returns:
        (rows, columns), True where the image can be used.
    """
    usable = ~np.isin(scene, masked)
    clouds = np.isin(scene, [one for one in masked if one in DILATED])
    if dilation_px > 0 and clouds.any():
        usable &= distance_transform_edt(~clouds) > dilation_px
    return usable
