"""Write a segmentation as files that people and other software read."""

from spinetk.writers.result import DICOM_FORMATS, FORMATS, USUAL_FORMATS, write_result

__all__ = ["DICOM_FORMATS", "FORMATS", "USUAL_FORMATS", "write_result"]
