"""Find and read the pictures that annotations of other programs name.

A picture is known by its path, never by its bare name: two patients' pictures are called alike.
"""

from __future__ import annotations

import base64
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

from spinetk.datasets.writer import eight_bit, grey_window
from spinetk.errors import SpineError
from spinetk.readers.raster import RASTER_SUFFIXES, read_raster
from spinetk.readers.sources import files_below

Size = tuple[int, int]
"""Height and width."""
AnyNumber = Annotated[
    int | float | None,
    BeforeValidator(
        lambda value: value if isinstance(value, int | float) and math.isfinite(value) else None
    ),
]
"""Of a field that programs leave empty, or fill with what is no number."""


def named_picture(name: str, bases: Sequence[Path], folder: Path, *, alone: bool) -> Path | None:
    """Where the picture is that a path, as an annotation writes it, means; None where it is not.

    Args:
        name: with strokes of any system; absolute paths are those of another computer.
        bases: folders that a relative path may start from, the format's own first.
        folder: the whole collection. Where no base leads to the picture, the one whose path ends
            with the most of the name is taken.
        alone: all annotations of the collection lie in one folder. Where they lie in several, a
            picture elsewhere that only bears the same name is another one.

    Raises:
        SpineError: several pictures may be meant.
    """
    parts = [part for part in name.strip().replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts:
        return None
    if not _is_absolute(name):
        # systems compose accents in two ways
        spelt = [parts, *([normalize(form, p) for p in parts] for form in ("NFC", "NFD"))]
        for base in bases:
            for own in spelt:
                if is_there(path := base.joinpath(*own)):
                    return path
    ends = [part for part in parts if part != ".."]
    if not ends:
        return None
    # a relative path means what it says; of another computer's, the folders above are not known
    least = 1 if _is_absolute(name) else len(ends)
    return _ending_with(ends, folder, least=least if alone else max(2, least))


def lie_together(annotations: Sequence[Path]) -> bool:
    """Whether annotations lie in one folder."""
    return len({path.parent for path in annotations}) < 2


def is_there(path: Path) -> bool:
    """Whether there is such a file; no name is too long or too strange to ask for."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _is_absolute(name: str) -> bool:
    text = name.strip().replace("\\", "/")
    return text.startswith("/") or text[1:3] == ":/"


def _ending_with(parts: Sequence[str], folder: Path, least: int) -> Path | None:
    """The only picture whose path ends with these parts, or with the most of them, at least so
    many.

    Raises:
        SpineError: several do.
    """
    found = [path for path in files_below(folder) if path.name == parts[-1]]
    for count in range(len(parts), least - 1, -1):
        ending = tuple(parts[-count:])
        fitting = [path for path in found if path.parts[-count:] == ending]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            shown = ", ".join(str(path.relative_to(folder)) for path in fitting[:3])
            raise SpineError(f"which picture is meant: {shown}?", PurePosixPath(*parts))
    return None


def read_picture(path: Path, annotated: Size | None = None) -> NDArray[np.uint8]:
    """uint8 [H, W]; more than 8 bit are scaled between percentiles, as volumes are.

    Args:
        annotated: the size that the annotation says, None where it says none.

    Raises:
        SpineError: there is no such picture, or it has another size now.
        UnreadableInput: it cannot be read.
    """
    if not path.is_file():
        raise SpineError("the annotated picture is missing", path)
    picture = read_raster(path)
    pixels = picture.slices[0].pixels
    if annotated is not None and pixels.shape != annotated:
        was, now = (f"{size[1]} x {size[0]}" for size in (annotated, pixels.shape))
        raise SpineError(
            f"was annotated at {was} pixels and has {now} now (resized, or turned): its outlines "
            "would lie elsewhere",
            path,
        )
    if pixels.max() <= 255:
        return pixels.astype(np.uint8)
    return eight_bit(pixels, *grey_window(picture.slices, None))


def held_picture(data: str, name: str, annotated: Size | None) -> NDArray[np.uint8]:
    """A picture that the annotation holds itself, base64.

    Args:
        name: that it is told by.

    Raises:
        SpineError: it is no picture, or has another size.
    """
    try:
        content = base64.b64decode(data)
    except ValueError as error:
        raise SpineError("its imageData is no picture", name) from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{Path(name).stem}.png"
        path.write_bytes(content)
        return read_picture(path, annotated)


def size_of(height: int | float | None, width: int | float | None) -> Size | None:
    """The size that an annotation says, None where it says none."""
    return (int(height), int(width)) if height and width and min(height, width) > 0 else None


def same_name_picture(path: Path) -> Path | None:
    """The picture with this path but another suffix."""
    spellings = (spelt for s in RASTER_SUFFIXES for spelt in (s, s.upper()))
    return next((p for s in spellings if (p := path.with_suffix(s)).is_file()), None)
