"""Read PNG, JPEG, TIFF and BMP pictures: one series of one slice each, spacing not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.errors import SpineError, UnreadableInput, Unsuitable
from spinetk.readers.bounds import check_bytes
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
    told = _told(path)
    try:
        stored = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    except (cv2.error, OSError):
        stored = None
    if stored is None:
        raise UnreadableInput("cannot be read as a picture", path.name)
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


class _Told(NamedTuple):
    """What a picture's header says beside its size.

    Attributes:
        turned: EXIF's Orientation, 1 for a picture that lies as it is shown.
        white_is_zero: TIFF's PhotometricInterpretation 0.
    """

    pages: int = 1
    turned: int = 1
    white_is_zero: bool = False


ORIENTATION, PHOTOMETRIC, WHITE_IS_ZERO = 0x0112, 262, 0
"""Tags of EXIF 2.3 and TIFF 6.0, and a value of the second."""


def _told(path: Path) -> _Told:
    """What is to be known of a picture before, and beside, its pixels.

    Raises:
        UnreadableInput: no picture, or too large a one.
    """
    from PIL import Image  # most inputs are no pictures

    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # the bound is `check_bytes`'
    try:
        with Image.open(path) as picture:
            channels, stored = _depth(picture)
            check_size(path.name, picture.height, picture.width)
            check_bytes(path.name, picture.height * picture.width * channels, stored)
            tags = getattr(picture, "tag_v2", {})
            return _Told(
                int(getattr(picture, "n_frames", 1)),
                # OpenCV turns TIFF itself, and no other
                1 if picture.format == "TIFF" else int(picture.getexif().get(ORIENTATION, 1)),
                tags.get(PHOTOMETRIC) == WHITE_IS_ZERO,
            )
    except SpineError:
        raise
    except Exception as error:  # Pillow raises many kinds for damaged files
        raise UnreadableInput("cannot be read as a picture", path.name) from error
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _depth(picture: Any) -> tuple[int, int]:
    """Channels, and bytes of a value, that OpenCV makes of a picture, at most."""
    if picture.mode in ("1", "L"):
        return 1, 1
    if picture.mode in ("I", "F") or picture.mode.startswith("I;"):
        return 1, 4 if picture.mode in ("I", "F") else 2
    return max(3, len(picture.getbands())), 2  # Pillow does not say whether colours have 16 bits


def _as_shown(stored: NDArray[Any], told: _Told) -> NDArray[Any]:
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
