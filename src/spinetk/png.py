"""Pictures as the content of PNG files."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def png_of(picture: NDArray[np.uint8]) -> bytes:
    """The content of a PNG file. It is written by us: OpenCV says nothing of why a disk takes none.

    Args:
        picture: uint8 [H, W], or [H, W, 3] in blue, green, red.

    Raises:
        ValueError: it cannot be coded.
    """
    coded, data = cv2.imencode(".png", picture)
    if not coded:
        raise ValueError("the picture cannot be coded as PNG")
    return bytes(data)
