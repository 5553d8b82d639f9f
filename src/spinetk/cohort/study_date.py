"""When a study was made, by the DICOM files of its result."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError


def study_date(result: Path) -> str:
    """The StudyDate of a result's SEG or report as ISO 8601; empty where neither has one."""
    for name in ("sr.dcm", "seg.dcm"):
        try:
            header = pydicom.dcmread(result / name, specific_tags=["StudyDate"])
            text = str(header.get("StudyDate") or "")
            return date(int(text[:4]), int(text[4:6]), int(text[6:8])).isoformat()
        except (OSError, InvalidDicomError, ValueError):
            continue
    return ""
