"""Write a segmentation as files that people and other software read."""

from spinetk.writers.result import FORMATS, write_result

__all__ = ["FORMATS", "write_result"]
