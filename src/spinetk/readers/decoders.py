"""What the decoder's process does (`decoder_process`): the stored values of an image."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spinetk.errors import SpineError, UnreadableInput
from spinetk.readers.bounds import check_bytes
from spinetk.readers.codestreams import codestream_size
from spinetk.readers.header_checks import check_size

if TYPE_CHECKING:
    import pydicom


class Told(NamedTuple):
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


def _told(path: Path) -> Told:
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
            return Told(
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


def picture(path: Path) -> tuple[NDArray[Any], Told]:
    """The stored values of a picture, [H, W] or [H, W, C], and what its header says.

    Raises:
        UnreadableInput: no picture, or too large a one.
    """
    import cv2

    told = _told(path)
    try:
        stored = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise UnreadableInput("cannot be read as a picture", path.name) from error
    if stored is None:
        raise UnreadableInput("cannot be read as a picture", path.name)
    return np.asarray(stored), told


@lru_cache(maxsize=1)
def _dataset(path: str, _changed: int) -> pydicom.Dataset:
    """The file whose frames are asked for one by one."""
    import pydicom

    return pydicom.dcmread(path, force=True)


def dicom_frame(path: str, number: int | None) -> NDArray[Any]:
    """One image of a DICOM file, after its codestream's own size was held against the header's: a
    decoder writes, and pydicom cuts, by one of them.

    Args:
        number: of a frame, from 0; None for a file of one image.

    Raises:
        ValueError: the sizes differ.
    """
    from pydicom.encaps import get_frame
    from pydicom.pixels import pixel_array

    dataset = _dataset(path, Path(path).stat().st_mtime_ns)
    frames = int(dataset.get("NumberOfFrames") or 1)
    coded = get_frame(dataset.PixelData, number or 0, number_of_frames=frames)
    size, told = codestream_size(coded), (int(dataset.Rows), int(dataset.Columns))
    if size is not None and size != told:
        raise ValueError(f"they are {size[1]} x {size[0]}, and {told[1]} x {told[0]} by the header")
    if number is None:
        return np.ascontiguousarray(dataset.pixel_array)
    return np.ascontiguousarray(pixel_array(dataset, index=number))
