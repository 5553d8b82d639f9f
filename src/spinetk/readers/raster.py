"""Read PNG, JPEG, TIFF and BMP pictures: one series of one slice each, spacing not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers.decoder_process import picture_apart
from spinetk.readers.decoders import Told
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
        stored, told = picture_apart(path)
    except ValueError as error:
        raise UnreadableInput("cannot be read as a picture", path.name) from error
    except UnreadableInput as error:
        raise type(error)(error.about(path.name), path.name) from error
    check_size(path.name, stored.shape[0], stored.shape[1])
    warnings: list[Warning] = []
    if told.pages > 1:
        warnings.append(Warning("first-page", f"has {told.pages} pages: the first is taken"))
    picture = _as_shown(np.asarray(stored), told)
    pixels = finite(path.name, _gray(path.name, picture), warnings)
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


def _as_shown(stored: NDArray[Any], told: Told) -> NDArray[Any]:
    """The picture as programs show it, and as people annotate it: turned as EXIF says, and bright
    where it is bright. OpenCV inverts 8-bit TIFF itself and no other."""
    picture = stored
    if told.white_is_zero and picture.dtype != np.uint8:
        values = picture.astype(np.float64)
        picture = (values.max() + values.min() - values).astype(picture.dtype)
    if told.turned >= 5:
        picture = np.swapaxes(picture, 0, 1)
    if told.turned in (3, 4, 7, 8):
        picture = picture[::-1]
    if told.turned in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    return np.ascontiguousarray(picture)


RASTER = FileReader(RASTER_SUFFIXES, read_raster)
