"""What a DICOM header says against the values of a CT being Hounsfield units."""

from __future__ import annotations

from pydicom import Dataset

FEW_BITS = 8
CAPTURES = "1.2.840.10008.5.1.4.1.1.7"
"""The SOP classes of Secondary Capture (PS3.4 B.5) begin so."""
SCREENS = ("SCREENSAVE", "SCREENCAPTURE", "SCREENSHOT")
"""Values of ImageType, without blanks and underscores, of what was taken from a screen."""


def no_hounsfield(whole: Dataset, own: Dataset, slope: float) -> str | None:
    """Why the values of a CT are no Hounsfield units by its header; None where nothing says so.

    Args:
        whole: the file's attributes.
        own: those of one frame, as a classic file would have them.
        slope: its RescaleSlope, 1 without one.
    """
    units = str(own.get("RescaleType") or whole.get("RescaleType") or "")
    if units and not units.upper().startswith("HU"):
        return "its RescaleType says that its values are no Hounsfield units"
    words = str(own.get("ImageType") or whole.get("ImageType") or "").upper()
    if any(word in words.replace(" ", "").replace("_", "") for word in SCREENS):
        return "a picture of a screen (ImageType) holds grey values, no Hounsfield units"
    if str(whole.get("SOPClassUID", "")).startswith(CAPTURES) and not units:
        return "a secondary capture holds grey values, no Hounsfield units"
    bits = whole.get("BitsStored")
    if isinstance(bits, int) and bits <= FEW_BITS and abs(slope) <= 1:
        return f"values of {bits} bits are no Hounsfield units"
    return None
