"""Checks that every reader makes on pixel data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.warning import Warning

SMALLEST_SIDE = 32
LARGEST_SIDE = 16384
LARGEST_RATIO = 3.0
"""Largest ratio of in-plane spacings of a sagittal cut; beyond it bodies are only smears."""
SPACING_MM = 0.01, 20.0
"""Distances of pixels that an image of a spine can have."""
LONGEST_REASON = 160
"""Characters of what a library says of a file."""
LARGEST_SQUEEZE = 1100
"""Neither zlib nor bzip2 is taken at its word that data were larger by more than such a factor."""


def file_stem(path: Path) -> str:
    """A file's name without its ending; that of a compressed NIfTI has two parts."""
    compressed = path.name.lower().endswith(".nii.gz")
    return path.name[: -len(".nii.gz")] if compressed else path.stem


def check_size(name: str, height: int, width: int) -> None:
    """Refuse images that are too small to hold a spine or too large to be one.

    Raises:
        UnreadableInput: a side is under 32 or over 16384 pixels.
    """
    if min(height, width) < SMALLEST_SIDE:
        raise Unsuitable(
            f"{width} x {height} pixels is too small (at least {SMALLEST_SIDE} a side)", name
        )
    if max(height, width) > LARGEST_SIDE:
        raise UnreadableInput(
            f"{width} x {height} pixels is too large (at most {LARGEST_SIDE} a side)", name
        )


def beside(path: Path, name: str) -> Path:
    """The file with the values that a header names; it lies in the header's folder.

    Raises:
        UnreadableInput: it is elsewhere (no header makes us read there), or missing.
    """
    if Path(name).name != name:
        raise UnreadableInput("its values are not in the same folder")
    if not (path.parent / name).is_file():
        raise UnreadableInput("the file with its values is not beside it")
    return path.parent / name


def too_coarse(first: float, second: float) -> bool:
    """Whether the in-plane spacings of a sagittal cut differ too much."""
    return max(first, second) / min(first, second) > LARGEST_RATIO


def usable_spacing(values: Iterable[float]) -> bool:
    """Whether all can be distances of an image's pixels in mm."""
    return all(SPACING_MM[0] <= value <= SPACING_MM[1] for value in values)


def finite(name: str, pixels: NDArray[np.float32], warnings: list[Warning]) -> NDArray[np.float32]:
    """Replace values that are not finite by the smallest finite one, with a warning.

    Raises:
        UnreadableInput: no value is finite.
    """
    good = np.isfinite(pixels)
    if good.all():
        return pixels
    if not good.any():
        raise UnreadableInput("no pixel has a finite value (all NaN or infinite)", name)
    warnings.append(
        Warning(
            "values-replaced",
            f"{int((~good).sum())} pixels without a finite value were set to the lowest",
        )
    )
    return np.where(good, pixels, pixels[good].min()).astype(np.float32)


def short(error: Exception, path: Path) -> str:
    """What a library said of a file, as part of a one-line message without the file's folder."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[-1] if lines else type(error).__name__
    if path.parent != Path():  # the folder's name alone may be a part of any word
        folder = re.escape(str(path.parent))
        text = re.sub(rf"(?<![\w./\\-]){folder}[/\\]", "", text)
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 2].rstrip()} …"
