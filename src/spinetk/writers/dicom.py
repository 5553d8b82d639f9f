"""Write the DICOM outputs of one result."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path

from pydicom.dataset import Dataset

from spinetk.errors import SpineError
from spinetk.measures.table import Row
from spinetk.network.registry import Model
from spinetk.study import Segmentation
from spinetk.warning import Warning
from spinetk.writers.dicom_capture import capture
from spinetk.writers.dicom_contours import structure_set
from spinetk.writers.dicom_seg import segmentation
from spinetk.writers.dicom_source import on_images
from spinetk.writers.dicom_sr import report
from spinetk.writers.formats import DICOM_FORMATS, not_written


def write_dicom(
    folder: Path, result: Segmentation, model: Model, rows: list[Row], formats: Collection[str]
) -> list[Warning]:
    """Write `seg.dcm`, `sr.dcm`, `capture.dcm` and `rtstruct.dcm`, as far as they are asked for.

    The source is DICOM.

    Returns:
        What could not be written, and why: a header that lacks what the standard wants in an
        output is no reason to lose the others.
    """
    wanted = [name for name in DICOM_FORMATS if name in formats]
    placed = on_images(result)
    missing: list[Warning] = []
    made: dict[str, Dataset] = {}
    makers: dict[str, Callable[[], Dataset]] = {
        "seg": lambda: segmentation(result, model, placed),
        "sr": lambda: report(result, model, placed, made["seg"], rows),
        "capture": lambda: capture(result, model, placed),
        "rtstruct": lambda: structure_set(result, model, placed),
    }
    for name in DICOM_FORMATS:
        if name not in wanted and not (name == "seg" and "sr" in wanted):  # the report refers to it
            continue
        if name == "sr" and "seg" not in made:
            missing.append(not_written("sr", "it refers to the segmentation"))
            continue
        try:
            made[name] = makers[name]()
            if name in wanted:
                made[name].save_as(folder / f"{name}.dcm", enforce_file_format=True)
        except OSError:  # a full disk is no fault of the header's
            raise
        except Exception as error:  # highdicom raises many kinds for headers that lack something
            (folder / f"{name}.dcm").unlink(missing_ok=True)
            made.pop(name, None)
            missing.append(not_written(name, why_not(error)))
    return missing


def why_not(error: Exception) -> str:
    """Why, without the words of a library: they can quote the header, a birth date for one."""
    if isinstance(error, SpineError):
        return str(error)
    lacking = re.search(r"has no attribute '(\w+)'$", str(error))
    if isinstance(error, AttributeError) and lacking:
        return f"the source lacks {lacking[1]}"
    return f"the source's header does not allow it ({type(error).__name__})"
