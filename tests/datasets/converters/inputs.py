import numpy as np
from numpy.typing import NDArray

from spinetk.datasets.annotated import AnnotatedSet

BODY_BOX = (30, 20, 60, 60)


def corners(top: int, left: int, bottom: int, right: int) -> list[list[float]]:
    """In the convention where a pixel's area runs from its number to the next."""
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def only_mask(one: AnnotatedSet) -> NDArray[np.bool_]:
    [image] = one.images
    [note] = image.instances
    return note.mask
