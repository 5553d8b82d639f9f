"""Small files that claim, or hold, much: refused before anything of it is in memory."""

import bz2
import gzip
import json
import lzma
import struct
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path

import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

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


def nrrd(path: Path, encoding: str, planes: int, after: int) -> Path:
    """A volume of 64 x 64 x `planes` zeros, with so many MB more behind them."""
    path.write_text(
        f"NRRD0004\ntype: short\ndimension: 3\nsizes: 64 64 {planes}\nencoding: {encoding}\n"
        "endian: little\nspace: left-posterior-superior\n"
        "space directions: (4,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n\n"
    )
    packed = zlib.compressobj(9, zlib.DEFLATED, 31) if encoding == "gzip" else bz2.BZ2Compressor()
    with path.open("ab") as stream:
        stream.write(packed.compress(bytes(2 * 64 * 64 * planes)))
        for _ in range(after):
            stream.write(packed.compress(bytes(2**20)))
        stream.write(packed.flush())
    return path


def image(phantom_folder: Path) -> pydicom.Dataset:
    return pydicom.dcmread(next((phantom_folder / "dicom").iterdir()))


def many_links(path: Path) -> Path:
    """A tar archive of nothing but links."""
    with tarfile.open(path, "w:gz") as archive:
        link = tarfile.TarInfo("a")
        link.type, link.linkname = tarfile.SYMTYPE, "b"
        for _ in range(200_001):
            archive.addfile(link)
    return path


def long_name(path: Path, megabytes: int) -> Path:
    """A tar archive with one name of that length."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, megabytes * 2**20
    with gzip.open(path, "wb", 1) as stream:
        stream.write(header.tobuf(tarfile.GNU_FORMAT))
        for _ in range(megabytes):
            stream.write(b"a" * 2**20)
    return path


def wide_xz(path: Path) -> Path:
    """A few bytes of xz that ask for a dictionary of 2 GB."""
    packed = bytearray(lzma.compress(b"nothing"))
    header = packed[12 : 12 + 4 * (packed[12] + 1)]
    assert header[2:4] == b"\x21\x01"
    header[4] = 38
    header[-4:] = zlib.crc32(header[:-4]).to_bytes(4, "little")
    packed[12 : 12 + len(header)] = header
    path.write_bytes(packed)
    return path


def long_table(path: Path) -> Path:
    """A zip archive whose table of files is all there is."""
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 6, *[0] * 3, 1, *[0] * 4, *[0] * 2) + b"a"
    count = 1_200_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, count * len(entry), 0, 0)
    path.write_bytes(entry * count + end)
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


def test_a_deflated_file_that_hides_that_it_is_one(phantom_folder: Path, tmp_path: Path) -> None:
    whole = deflated(tmp_path / "whole", phantom_folder, 600).read_bytes()
    (tmp_path / "bare").write_bytes(whole[132:])  # no preamble
    # what says so comes late
    dataset = pydicom.dcmread(tmp_path / "whole", stop_before_pixels=True)
    dataset.file_meta.ImplementationVersionName = "x" * 4000
    dataset.file_meta.MediaStorageSOPInstanceUID = "1" * 4000
    start = 132 + 12 + dataset.file_meta.FileMetaInformationGroupLength
    head = DicomBytesIO()
    write_file_meta_info(head, dataset.file_meta, enforce_standard=False)
    (tmp_path / "late").write_bytes(whole[:132] + head.getvalue() + whole[start:])
    for name in ("bare", "late"):
        with pytest.raises(UnreadableInput, match="deflated: SPINETK_LARGEST_MB"):
            check_deflated(tmp_path / name)


@pytest.mark.parametrize("encoding", ["gzip", "bzip2"])
def test_a_volume_that_holds_more_than_it_says(encoding: str, tmp_path: Path) -> None:
    said, memory = read_apart(nrrd(tmp_path / "a.nrrd", encoding, 64, 1500))
    assert "sizes do not fit" in said and memory < MOST_MB
    said, memory = read_apart(nrrd(tmp_path / "b.nrrd", encoding, 64, 0))
    assert said == "64 slices"


def test_archives_whose_headers_hold_much(tmp_path: Path) -> None:
    for path, why in (
        (long_name(tmp_path / "a.tar.gz", 1500), "its table of files"),
        (many_links(tmp_path / "b.tar.gz"), "more than is unpacked"),
        (wide_xz(tmp_path / "c.dcm.xz"), "cannot be unpacked"),
        (wide_xz(tmp_path / "d.tar.xz"), "cannot be unpacked"),
        (long_table(tmp_path / "e.zip"), "its table of files"),
    ):
        said, memory = read_apart(path)
        assert why in said and memory < MOST_MB, (path.name, said, memory)


def test_an_image_with_more_pixels_than_it_says(phantom_folder: Path, tmp_path: Path) -> None:
    dataset = image(phantom_folder)
    dataset.PixelData = bytes(900 * 2**20)
    dataset.save_as(tmp_path / "a.dcm")
    del dataset
    said, memory = read_apart(tmp_path / "a.dcm")
    assert "SPINETK_LARGEST_MB=901 " in said and memory < MOST_MB


def test_run_lengths_that_hold_more_than_the_image(phantom_folder: Path, tmp_path: Path) -> None:
    dataset = image(phantom_folder)
    dataset.file_meta.TransferSyntaxUID = RLELossless
    runs = b"\x81\0" * (12 * 2**20)  # 1.5 GB
    segments = struct.pack("<16L", 2, 64, 64 + len(runs), *[0] * 13) + runs + runs[:1000]
    dataset.PixelData = encapsulate([segments])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(tmp_path / "a.dcm")
    said, memory = read_apart(tmp_path / "a.dcm")
    assert "pixels" in said and memory < MOST_MB


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
