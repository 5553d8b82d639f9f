"""Find and read any supported input."""

from spinetk.readers.find import FoundSeries, FoundStudy, find, read

__all__ = ["FoundSeries", "FoundStudy", "find", "read"]
