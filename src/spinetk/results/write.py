"""Write everything about one segmentation into one folder, all or nothing."""

from __future__ import annotations

import platform
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import nibabel
import numpy
import onnxruntime
import pydicom

import spinetk
from spinetk.atomic import whole_folder
from spinetk.errors import SpineError
from spinetk.measures.first_order import BINS
from spinetk.measures.judgement import Verdict, study_verdict
from spinetk.measures.table import Row, measured
from spinetk.network.registry import Model
from spinetk.results.record import Record, UsedModel, is_result, write_record
from spinetk.structures import BODY_KIND, DISC_KIND
from spinetk.study import Segmentation
from spinetk.warning import Warning
from spinetk.writers.coco import write_coco
from spinetk.writers.formats import DICOM_FORMATS, USUAL_FORMATS, not_written
from spinetk.writers.measurements_csv import write_angles, write_measurements
from spinetk.writers.nifti import write_nifti
from spinetk.writers.overlay import write_overlay
from spinetk.writers.report import write_report

LIBRARIES = (numpy, cv2, onnxruntime, pydicom, nibabel)


@contextmanager
def _another_named(folder: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        text = "another run wrote a result of that name meanwhile: give each its own folder"
        raise SpineError(text, folder.name) from error


def write_result(
    out: Path,
    result: Segmentation,
    model: Model,
    options: dict[str, Any],
    formats: Collection[str] = USUAL_FORMATS,
    tables: Mapping[str, list[Row]] | None = None,
    *,
    new: bool = False,
) -> Record:
    """Write `out/<series key>/`; run.json is always among the files.

    Args:
        tables: more tables of measurements, by the file's name.
        new: there is no older result to be replaced.

    The time of "write" is that of the files before the report and the record. An older result of
    the same key is replaced when the new one is complete.

    Returns:
        The result's record.

    Raises:
        SpineError: something that is no result is in the way.
    """
    folder = out / result.series.key
    if folder.exists() and not is_result(folder):
        raise SpineError("is in the way and not a result of SpineTK", folder.name)
    with _another_named(folder), whole_folder(folder, new=new) as unfinished:
        start = time.perf_counter()
        rows, angles = measured(result)
        ready = time.perf_counter()
        with ThreadPoolExecutor(1) as beside:  # pictures are drawn and packed outside Python's lock
            dicom = beside.submit(_dicom_files, unfinished, result, model, rows, formats)
            if "coco" in formats:
                write_coco(unfinished / "instances.coco.json", result)
            if "csv" in formats:
                write_measurements(unfinished / "instances.csv", rows)
                write_angles(unfinished / "angles.csv", angles)
            for name, table in (tables or {}).items():
                write_measurements(unfinished / name, table)
            if "nifti" in formats:
                write_nifti(unfinished / "image.nii.gz", unfinished / "mask.nii.gz", result)
            if "overlay" in formats:
                write_overlay(unfinished / "overlay.png", result)
            missing = dicom.result()
        seconds = {
            "measure": ready - start,
            "write": time.perf_counter() - ready,
        }
        timed = replace(
            result, seconds=result.seconds | seconds, warnings=(*result.warnings, *missing)
        )
        record = record_of(timed, model, options, study_verdict(rows, timed.warnings))
        if "report" in formats:
            write_report(unfinished / "report.html", timed, rows, angles, record.to_json())
        write_record(unfinished, record)
    return record


def record_of(
    result: Segmentation, model: Model, options: dict[str, Any], verdict: Verdict
) -> Record:
    """What is written down of a result and of how it was made."""
    return Record(
        spinetk=spinetk.__version__,
        python=platform.python_version(),
        libraries={library.__name__: library.__version__ for library in LIBRARIES},
        model=UsedModel(model.name, model.sha256, model.card.get("date")),
        options=options,
        key=result.series.key,
        modality=result.series.modality,
        source=result.series.source,
        input_sha256=result.series.input_sha256,
        n_slices=len(result.series.slices),
        selected_slice=result.slice_index,
        instance_number=result.slice.number,
        slices=result.trace,
        bodies=sum(i.kind == BODY_KIND for i in result.instances),
        discs=sum(i.kind == DISC_KIND for i in result.instances),
        entropy_bins=f"{BINS} equal bins between the smallest and largest value of the mask",
        seconds=result.seconds,
        warnings=result.warnings,
        verdict=verdict.judgement,
        reasons=verdict.reasons,
        correction=result.correction,
    )


def _dicom_files(
    folder: Path,
    result: Segmentation,
    model: Model,
    rows: list[Row],
    formats: Collection[str],
) -> list[Warning]:
    """Write the DICOM files that are asked for; returns what could not be written, and why."""
    if result.slice.origin is not None and not set(DICOM_FORMATS).isdisjoint(formats):
        from spinetk.writers.dicom import write_dicom  # a fifth of a second to load

        return write_dicom(folder, result, model, rows, formats)
    asked = [f for f in formats if f in DICOM_FORMATS and f not in USUAL_FORMATS]
    if set(formats) <= set(DICOM_FORMATS):
        asked = list(formats)
    return [not_written(name, "the source is not DICOM") for name in asked]
