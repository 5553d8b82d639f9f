"""How much an input may take, by what its header claims, before anything of it is decoded.

One rule for every reader: a file of some kilobytes may claim, or even hold, gigabytes.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import zlib
from pathlib import Path

from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.uid import DeflatedExplicitVRLittleEndian

from spinetk.errors import UnreadableInput, UsageError

VARIABLE = "SPINETK_LARGEST_MB"
LARGEST_MB = 320
"""Of a picture, decoded, and the gray values that are made of it (8192 x 8192 pixels of 8 bits). A
volume's values wait on the disk, a part of them in memory: it may have sixteen times as many."""
VOLUMES = 16
BLOCK = 2**16
GRAY = 4
"""Bytes of a gray value as we have it, a float32."""


def check_bytes(name: str, values: int, stored: int, *, volume: bool = False) -> None:
    """Refuse what would take too much memory, or more of the temporary folder than is there.

    Args:
        values: pixels times colour channels, or voxels.
        stored: bytes of each as the file has it.
        volume: read in parts; its gray values wait in the temporary folder.

    Raises:
        UnreadableInput: too large; the message says how the bound is raised.
        UsageError: the environment's bound is no number.
    """
    needed = values * (GRAY + (0 if volume else stored))
    allowed = largest_bytes() * (VOLUMES if volume else 1)
    if needed > allowed:
        text = f"would take {needed / 2**20:.0f} MB, and at most {allowed / 2**20:.0f} are allowed"
        factor = math.ceil(largest_bytes() / 2**20 * needed / allowed)
        raise UnreadableInput(f"{text}: {VARIABLE}={factor} in the environment allows it", name)
    if volume and needed > shutil.disk_usage(tempfile.gettempdir()).free:
        place = tempfile.gettempdir()
        text = f"its values take {needed / 2**20:.0f} MB, which the temporary folder has not"
        raise UnreadableInput(f"{text} ({place}; TMPDIR names another)", name)


def check_file(path: Path) -> None:
    """Refuse a file that is read into memory as a whole and is larger than a picture may be.

    Raises:
        UnreadableInput: it is.
    """
    size = path.stat().st_size
    if size > largest_bytes():
        allowed = largest_bytes() / 2**20
        text = f"is of {size / 2**20:.0f} MB, and an image of at most {allowed:.0f} is allowed"
        factor = math.ceil(size / 2**20)
        raise UnreadableInput(
            f"{text}: {VARIABLE}={factor} in the environment allows it", path.name
        )


def check_deflated(path: Path) -> None:
    """Refuse a deflated DICOM file (PS3.5 A.5) that holds more than is allowed: pydicom inflates
    the whole of it before its first element is known.

    Raises:
        UnreadableInput: too large.
    """
    with path.open("rb") as stream:
        try:
            read_preamble(stream, force=True)
            meta = _read_file_meta_info(stream)  # where pydicom itself begins to inflate
        except Exception:  # no DICOM file; said when it is read
            return
        if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
            return
        inflated, inflater = 0, zlib.decompressobj(-zlib.MAX_WBITS)
        while not inflater.eof and (block := stream.read(BLOCK)):
            while block and not inflater.eof:
                inflated += len(inflater.decompress(block, BLOCK))
                if inflated > largest_bytes():
                    largest = largest_bytes() / 2**20
                    text = f"holds more than {largest:.0f} MB, deflated: {VARIABLE} in the "
                    raise UnreadableInput(text + "environment may allow more", path.name)
                block = inflater.unconsumed_tail


def largest_bytes() -> int:
    """The bound of a picture, by the environment.

    Raises:
        UsageError: it is no number.
    """
    text = os.environ.get(VARIABLE)
    try:
        value = float(text) if text else float(LARGEST_MB)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise UsageError("is no number of megabytes", f"{VARIABLE}={text}")
    return int(value * 2**20)
