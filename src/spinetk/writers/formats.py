"""The formats that a result can be written in: the one list, for options, documents and tests."""

from __future__ import annotations

from spinetk.warning import Warning

FILES = {
    "coco": ("instances.coco.json",),
    "csv": ("instances.csv", "angles.csv"),
    "nifti": ("image.nii.gz", "mask.nii.gz"),
    "overlay": ("overlay.png",),
    "report": ("report.html",),
    "seg": ("seg.dcm",),
    "sr": ("sr.dcm",),
    "capture": ("capture.dcm",),
    "rtstruct": ("rtstruct.dcm",),
}
"""Files of each format."""
FORMATS = tuple(FILES)
DICOM_FORMATS = ("seg", "sr", "capture", "rtstruct")
"""Only where the source is DICOM; in the order in which they are made: the report refers to the
segmentation."""
USUAL_FORMATS = ("coco", "csv", "nifti", "overlay", "report", "seg", "sr")
"""Written without being asked for."""


def not_written(name: str, reason: str) -> Warning:
    """That a DICOM output is not there, and why."""
    return Warning("not-written", f"{name}.dcm was not written: {reason}")
