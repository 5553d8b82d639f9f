"""Write a segmentation as files that people and other software read."""

from spinetk.writers.result import FORMATS, USUAL_FORMATS, write_result

__all__ = ["FORMATS", "USUAL_FORMATS", "write_result"]
