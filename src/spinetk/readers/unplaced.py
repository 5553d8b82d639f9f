"""Why a DICOM image says nothing of its place in the patient that can be used."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from spinetk.errors import readable
from spinetk.readers.header_checks import usable_spacing

PLACE = {"ImageOrientationPatient": 6, "ImagePositionPatient": 3, "PixelSpacing": 2}
"""What a slice's place is told by, and of how many numbers each is."""
NO_PLACE = "orientation, position or pixel spacing is missing in the header"
LONGEST_SHOWN = 60


def why_unplaced(header: Dataset) -> str:
    """What of a slice's place is missing, or is no such thing, in words that name it.

    Args:
        header: of a classic image, or of a frame as one.

    >>> dataset = Dataset()
    >>> why_unplaced(dataset)
    'image orientation patient, image position patient, pixel spacing are missing in the header'
    """
    texts = {name: _written(header, name) for name in PLACE}
    missing = [name for name, text in texts.items() if not text.strip()]
    if missing:
        told = ", ".join(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower() for name in missing)
        return f"{told} {'is' if len(missing) == 1 else 'are'} missing in the header"
    for name, count in PLACE.items():
        said = f"{name} is '{readable(texts[name])[:LONGEST_SHOWN]}'"
        try:
            values = np.array([float(part) for part in texts[name].split("\\")])
        except ValueError:
            return f"{said}, which is not {count} numbers"
        if values.size != count and not (count == 2 and values.size == 1):
            return f"{said}, which is not {count} numbers"
        if not np.isfinite(values).all():
            return f"{said}, which is not {count} numbers"
        if count == 2 and not usable_spacing(np.resize(values, 2)):
            return f"{said}, which is no distance of pixels in mm"
    said = readable(texts["ImageOrientationPatient"])[:LONGEST_SHOWN]
    return f"ImageOrientationPatient is '{said}', which is not two directions at right angles"


def _written(header: Dataset, name: str) -> str:
    """A value as the file has it, whether or not it is one of its kind."""
    if name not in header:
        return ""
    value: Any = header.get_item(name)
    value = getattr(value, "value", value)
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("ascii", "replace").strip("\0 ")
    if isinstance(value, str):
        return value
    return "\\".join(map(str, np.atleast_1d(np.asarray(value, dtype=object))))
