"""The volume that the page's viewer shows."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

from spinetk.atomic import whole_file
from spinetk.orientation import upright
from spinetk.study import Series


def display_volume(series: Series, path: Path) -> Path:
    """Write the series' slices, upright, as a NIfTI volume for the viewer; done once.

    Its axes are column, row and slice of the page, not the patient's: the page shows slices as
    they are, not what lies between them. Spacing is 1 mm where it is not known.
    """
    if path.exists():
        return path
    # one slice at a time: a long CT would fill memory
    height = width = 0
    whole, largest = True, 0.0
    for stored in series.slices:
        image = upright(stored).visible
        height, width = max(height, image.shape[0]), max(width, image.shape[1])
        whole = whole and bool((image == np.round(image)).all())
        largest = max(largest, float(np.abs(image).max()))
    kind = np.int16 if whole and largest < 2**15 else np.float32
    row, column = upright(series.slices[0]).spacing or (1.0, 1.0)
    header = nibabel.Nifti1Header()
    header.set_data_dtype(kind)
    header.set_data_shape((width, height, len(series.slices)))
    header.set_sform(np.diag([column, -row, 1.0, 1.0]), code=1)
    header.set_zooms((column, row, 1.0))
    header["vox_offset"] = 352
    path.parent.mkdir(exist_ok=True)
    with whole_file(path) as unfinished, unfinished.open("wb") as stream:
        stream.write(header.binaryblock + bytes(4))
        for stored in series.slices:
            canvas = np.zeros((height, width), dtype=kind)
            image = upright(stored).visible
            canvas[: image.shape[0], : image.shape[1]] = image
            stream.write(canvas.tobytes())
    return path
