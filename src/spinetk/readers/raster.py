"""Read PNG, JPEG, TIFF and BMP pictures: one series of one slice each, spacing not known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers.header_checks import check_size, file_stem, finite
from spinetk.readers.reader import FileReader
from spinetk.study import NO_SPACING, Series, Slice
from spinetk.warning import Warning

RASTER_SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp")
COLOUR_TOLERANCE = 12
"""Largest mean difference of colour channels (of 255) in a picture that counts as gray: JPEG
rounding and faint tints stay below it, photographs lie far above."""


def read_raster(path: Path) -> Series:
    """Read a gray picture of 8 or 16 bit.

    Raises:
        UnreadableInput: not a picture, in colour, or of an impossible size.
    """
    try:
        picture = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    except (cv2.error, OSError):
        picture = None
    if picture is None:
        raise UnreadableInput("cannot be read as a picture", path.name)
    check_size(path.name, picture.shape[0], picture.shape[1])
    warnings: list[Warning] = []
    if (pages := _pages(path)) > 1:
        warnings.append(Warning("first-page", f"has {pages} pages: the first is taken"))
    pixels = finite(path.name, _gray(path.name, np.asarray(picture)), warnings)
    picture_slice = Slice(pixels=pixels, index=0, geometry=None, spacing=None, path=path)
    return Series(
        key=file_stem(path),
        modality=None,
        source="raster",
        slices=(picture_slice,),
        spacing_source=None,
        warnings=(
            *warnings,
            NO_SPACING,
            Warning(
                "orientation-assumed",
                "a picture does not say how it lies: head up and, from the side, anterior left "
                "are assumed",
            ),
        ),
    )


def _gray(name: str, picture: NDArray[np.generic]) -> NDArray[np.float32]:
    values = picture.astype(np.float32)
    if values.ndim == 2:
        return values
    colours = values[..., :3] if values.shape[2] >= 3 else values[..., :1]
    full = 65535.0 if picture.dtype == np.uint16 else 255.0
    spread = float(np.ptp(colours, axis=2).mean()) / full * 255
    if spread > COLOUR_TOLERANCE:
        raise Unsuitable("a colour picture; a gray radiological image is needed", name)
    gray: NDArray[np.float32] = colours.mean(axis=2, dtype=np.float32)
    return gray


def _pages(path: Path) -> int:
    from PIL import Image  # most inputs are no pictures

    try:
        with Image.open(path) as picture:
            return int(getattr(picture, "n_frames", 1))
    except Exception:  # what OpenCV can read and Pillow cannot has one page
        return 1


RASTER = FileReader(RASTER_SUFFIXES, read_raster)
