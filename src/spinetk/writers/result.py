"""Write everything about one segmentation into one folder, all or nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from spinetk.network.registry import Model
from spinetk.study import Segmentation
from spinetk.writers.coco import write_coco
from spinetk.writers.nifti import write_nifti
from spinetk.writers.overlay import write_overlay
from spinetk.writers.record import run_record, write_record
from spinetk.writers.report import write_report
from spinetk.writers.table import measurements, write_table

FORMATS = ("coco", "csv", "nifti", "overlay", "report")
TEMPORARY_PREFIX = ".unfinished-"


def write_result(
    out: Path,
    result: Segmentation,
    model: Model,
    options: dict[str, Any],
    formats: Collection[str] = FORMATS,
) -> Path:
    """Write `out/<series key>/`; run.json is always among the files.

    The files are written to a hidden folder beside it that is renamed when complete, so a killed
    run never leaves a half result that looks whole. An older result of the same key is replaced.

    Returns:
        The result's folder.
    """
    folder = out / result.series.key
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=out))
    try:
        rows = measurements(result)
        record = run_record(result, model, options)
        if "coco" in formats:
            write_coco(temporary / "instances.coco.json", result)
        if "csv" in formats:
            write_table(temporary / "instances.csv", rows)
        if "nifti" in formats:
            write_nifti(temporary / "image.nii.gz", temporary / "mask.nii.gz", result)
        if "overlay" in formats:
            write_overlay(temporary / "overlay.png", result)
        if "report" in formats:
            write_report(temporary / "report.html", result, rows, record)
        write_record(temporary / "run.json", record)
        temporary.chmod(0o755)  # mkdtemp's folder is for its owner only
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return folder
