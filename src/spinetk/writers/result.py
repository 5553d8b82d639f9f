"""Write everything about one segmentation into one folder, all or nothing."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from spinetk.errors import SpineError
from spinetk.network.registry import Model
from spinetk.results import is_result
from spinetk.study import Segmentation
from spinetk.writers.coco import write_coco
from spinetk.writers.nifti import write_nifti
from spinetk.writers.overlay import write_overlay
from spinetk.writers.record import run_record, write_record
from spinetk.writers.report import write_report
from spinetk.writers.table import Row, measurements, write_table

DICOM_FORMATS = ("seg", "sr", "capture", "rtstruct")
FORMATS = ("coco", "csv", "nifti", "overlay", "report", *DICOM_FORMATS)
USUAL_FORMATS = ("coco", "csv", "nifti", "overlay", "report", "seg", "sr")
"""Written without being asked for; DICOM only where the source is DICOM."""
TEMPORARY_PREFIX = ".unfinished-"


def write_result(
    out: Path,
    result: Segmentation,
    model: Model,
    options: dict[str, Any],
    formats: Collection[str] = USUAL_FORMATS,
) -> Segmentation:
    """Write `out/<series key>/`; run.json is always among the files.

    The time of "write" is that of the files before the report and the record.

    The files are written to a hidden folder beside it that is renamed when complete, so a killed
    run never leaves a half result that looks whole. An older result of the same key is replaced.

    Returns:
        The result with the times and the warnings that its record holds.
    """
    folder = out / result.series.key
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=out))
    try:
        start = time.perf_counter()
        rows = measurements(result)
        measured = time.perf_counter()
        with ThreadPoolExecutor(1) as beside:  # pictures are drawn and packed outside Python's lock
            dicom = beside.submit(_dicom_files, temporary, result, model, rows, formats)
            if "coco" in formats:
                write_coco(temporary / "instances.coco.json", result)
            if "csv" in formats:
                write_table(temporary / "instances.csv", rows)
            if "nifti" in formats:
                write_nifti(temporary / "image.nii.gz", temporary / "mask.nii.gz", result)
            if "overlay" in formats:
                write_overlay(temporary / "overlay.png", result)
            doubts = dicom.result()
        seconds = {"measure": measured - start, "write": time.perf_counter() - measured}
        timed = replace(
            result, seconds=result.seconds | seconds, warnings=(*result.warnings, *doubts)
        )
        record = run_record(timed, model, options)
        if "report" in formats:
            write_report(temporary / "report.html", timed, rows, record)
        write_record(temporary / "run.json", record)
        temporary.chmod(0o755)  # mkdtemp's folder is for its owner only
        _replace(folder, temporary)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return timed


def _dicom_files(
    folder: Path,
    result: Segmentation,
    model: Model,
    rows: list[Row],
    formats: Collection[str],
) -> list[str]:
    """Write the DICOM files that are asked for; returns what could not be written, and why."""
    if result.slice.origin is not None and not set(DICOM_FORMATS).isdisjoint(formats):
        from spinetk.writers.dicom import write_dicom  # a fifth of a second to load

        return write_dicom(folder, result, model, rows, formats)
    asked = [f for f in formats if f in DICOM_FORMATS and f not in USUAL_FORMATS]
    if set(formats) <= set(DICOM_FORMATS):
        asked = list(formats)
    return [f"{name}.dcm was not written: the source is not DICOM" for name in asked]


def _replace(folder: Path, complete: Path) -> None:
    """Put the complete result in the place of an older one, which goes only when it is there."""
    if folder.exists() and not is_result(folder):
        raise SpineError(f"{folder.name}: is in the way and not a result of SpineTK")
    if not folder.exists():
        complete.rename(folder)
        return
    older = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=folder.parent))
    folder.rename(older / "older")
    complete.rename(folder)
    shutil.rmtree(older)
