"""Checks that every reader makes on pixel data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput, Unsuitable, readable
from spinetk.warning import Warning

SMALLEST_SIDE = 32
LARGEST_SIDE = 16384
COARSE_MM = 2.5
"""Rows or columns of a sagittal slice further apart: heights are less certain (`coarse`)."""
COARSEST_MM = 6.5
"""Further apart a body has three rows: nothing is outlined."""
FEWEST_LINES = 20
"""Images that a sagittal slice must at least be cut from."""
SPACING_MM = 0.01, 20.0
"""Distances of pixels that an image of a spine can have."""
LONGEST_REASON = 160
"""Characters of what a library says of a file."""
LARGEST_SQUEEZE = 1100
"""Neither zlib nor bzip2 is taken at its word that data were larger by more than such a factor."""


TWO_PARTS = (".nii.gz", ".seg.nrrd")


def file_stem(path: Path) -> str:
    """A file's name without its ending, of which some have two parts; bytes that are no text are
    taken for Western European letters.

    >>> file_stem(Path("a/scan.1.nii.gz")), file_stem(Path("Caf\\udce9.png"))
    ('scan.1', 'Café')
    """
    name = readable(path.name)
    ending = next((end for end in TWO_PARTS if name.lower().endswith(end)), None)
    return name[: -len(ending)] if ending else Path(name).stem


def check_size(name: str, height: int, width: int, least: int = SMALLEST_SIDE) -> None:
    """Refuse images that are too small to hold a spine or too large to be one.

    Raises:
        UnreadableInput: a side is under 32 or over 16384 pixels.
    """
    if min(height, width) < least:
        raise Unsuitable(f"{width} x {height} pixels is too small (at least {least} a side)", name)
    if max(height, width) > LARGEST_SIDE:
        raise UnreadableInput(
            f"{width} x {height} pixels is too large (at most {LARGEST_SIDE} a side)", name
        )


def beside(path: Path, name: str) -> Path:
    """The file with the values that a header names; it lies in the header's folder.

    Raises:
        UnreadableInput: it is elsewhere (no header makes us read there), or missing.
    """
    name = re.sub(r"^(\.[/\\])+", "", name.strip())  # "./a.raw"
    if Path(name).name != name or "\\" in name:
        raise UnreadableInput("its values are not in the same folder")
    if not (path.parent / name).is_file():
        raise UnreadableInput("the file with its values is not beside it")
    return path.parent / name


def coarse_warning(spacing: tuple[float, float]) -> list[Warning]:
    """What is said of a sagittal slice whose lines lie far apart, as cut from thick axial images.

    Args:
        spacing: (row, column) in mm.
    """
    if max(spacing) <= COARSE_MM:
        return []
    text = f"coarse: lines of the sagittal slices are {max(spacing):.3g} mm apart; "
    return [Warning("coarse", text + "heights are less certain than on thin slices")]


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
