"""Small files that claim, or hold, much: refused before anything of it is in memory."""

import gzip
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from spinetk.errors import UnreadableInput, UsageError
from spinetk.readers.bounds import check_bytes, check_deflated

MOST_MB = 400
"""The libraries alone take a good hundred."""


def png(path: Path, side: int, depth: int, colour: int) -> Path:
    """A black picture of that many pixels a side."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content))
        )

    row = b"\0" * (1 + side * (3 if colour == 2 else 1) * depth // 8)
    squeezed = zlib.compressobj(1)
    content = b"".join(squeezed.compress(row) for _ in range(side)) + squeezed.flush()
    header = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", content)
        + chunk(b"IEND", b"")
    )
    return path


def nifti(path: Path, side: int, planes: int) -> Path:
    """A volume of side x side x side voxels, of which so many planes are there."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, side, side, side, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 4, 16)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 0, 0, 0, 0)
    struct.pack_into("<f", header, 108, 352.0)
    struct.pack_into("<hh", header, 252, 0, 1)
    for row in range(3):
        struct.pack_into("<4f", header, 280 + 16 * row, *(float(row == k) for k in range(3)), 0)
    header[123], header[344:348] = 2, b"n+1\0"
    with gzip.open(path, "wb", 1) as stream:
        stream.write(bytes(header))
        for _ in range(planes):
            stream.write(bytes(2 * side * side))
    return path


def deflated(path: Path, phantom_folder: Path, megabytes: int) -> Path:
    """An image with a private element of that many zeros."""
    dataset = pydicom.dcmread(next((phantom_folder / "dicom").iterdir()))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.add_new((0x0009, 0x0010), "LO", "TEST")
    dataset.add_new((0x0009, 0x1001), "OB", bytes(megabytes * 2**20))
    dataset.save_as(path)
    return path


PROGRAM = r"""
import re, sys
from spinetk.errors import SpineError
from spinetk.readers import read
try:
    print(len(read(sys.argv[1]).series[0].slices), "slices")
except SpineError as error:
    print(error)
print(int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) // 1024)
"""


def read_apart(path: Path) -> tuple[str, int]:
    """What a process says that reads a file, and how many MB it took."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said, memory = done.stdout.splitlines()
    return said, int(memory)


@pytest.mark.parametrize(("depth", "colour"), [(8, 0), (16, 0), (16, 2)])
def test_a_small_picture_of_many_pixels(depth: int, colour: int, tmp_path: Path) -> None:
    path = png(tmp_path / "a.png", 12_000, depth, colour)
    assert path.stat().st_size < 5 * 2**20
    said, memory = read_apart(path)
    assert "SPINETK_LARGEST_MB=" in said and memory < MOST_MB


def test_a_small_volume_of_many_voxels(tmp_path: Path) -> None:
    said, memory = read_apart(nifti(tmp_path / "a.nii.gz", 1500, 1))
    assert "SPINETK_LARGEST_MB=" in said and memory < MOST_MB


def test_a_volume_within_bounds_takes_no_more_memory_than_a_part_of_it(tmp_path: Path) -> None:
    said, memory = read_apart(nifti(tmp_path / "a.nii.gz", 500, 500))  # 477 MB as float32
    assert said == "500 slices" and memory < MOST_MB


def test_a_deflated_file_that_holds_much(phantom_folder: Path, tmp_path: Path) -> None:
    said, memory = read_apart(deflated(tmp_path / "a.dcm", phantom_folder, 600))
    assert "deflated: SPINETK_LARGEST_MB" in said and memory < MOST_MB
    check_deflated(deflated(tmp_path / "b.dcm", phantom_folder, 1))


def test_a_mask_that_claims_much(tmp_path: Path) -> None:
    from spinetk.datasets.annotated import read_dataset
    from spinetk.errors import SpineError

    note = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0,
            "segmentation": {"size": [60_000, 60_000], "counts": "PPP"}}  # fmt: skip
    content = {"images": [], "categories": [{"id": 1, "name": "a"}], "annotations": [note]}
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(SpineError, match="SPINETK_LARGEST_MB"):
        read_dataset(tmp_path)


def test_a_person_can_raise_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreadableInput, match="SPINETK_LARGEST_MB=1000 "):
        check_bytes("a.png", 200 * 2**20, 1)
    monkeypatch.setenv("SPINETK_LARGEST_MB", "1000")
    check_bytes("a.png", 200 * 2**20, 1)
    for text in ("much", "-1", "nan", "inf"):
        monkeypatch.setenv("SPINETK_LARGEST_MB", text)
        with pytest.raises(UsageError, match="no number of megabytes"):
            check_bytes("a.png", 1, 1)
