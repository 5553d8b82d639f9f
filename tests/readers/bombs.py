"""Small files that claim, or hold, much more than an image: for tests and benchmarks."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import tarfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pydicom
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless


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


def long_pixels(path: Path, phantom_folder: Path, megabytes: int) -> Path:
    """An image with so many MB of pixels as its header says nothing of."""
    dataset = image(phantom_folder)
    dataset.PixelData = bytes(megabytes * 2**20)
    dataset.save_as(path)
    return path


def run_lengths(path: Path, phantom_folder: Path, megabytes: int) -> Path:
    """An image whose run lengths hold so many MB."""
    dataset = image(phantom_folder)
    dataset.file_meta.TransferSyntaxUID = RLELossless
    runs = b"\x81\0" * (megabytes * 2**20 // 128)
    segments = struct.pack("<16L", 2, 64, 64 + len(runs), *[0] * 13) + runs + runs[:1000]
    dataset.PixelData = encapsulate([segments])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path)
    return path


def many_scans(path: Path, side: int, scans: int) -> Path:
    """A progressive JPEG whose last scan is there again and again."""
    black = np.zeros((side, side), np.uint8)
    content = cv2.imencode(".jpg", black, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    last = content.rindex(b"\xff\xda")
    path.write_bytes(content[:last] + content[last:-2] * scans + content[-2:])
    return path


def many_pages(path: Path, pages: int) -> Path:
    """A TIFF of so many pages, each after the other, that share their pixels."""
    entries = [(256, 3, 1, 64), (257, 3, 1, 64), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
               (273, 4, 1, 8), (278, 3, 1, 64), (279, 4, 1, 4096)]  # fmt: skip
    start, length = 8 + 4096, 2 + 12 * len(entries) + 4
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *e) for e in entries)
    with path.open("wb") as stream:
        stream.write(struct.pack("<2sHI", b"II", 42, start) + bytes(4096))
        for page in range(pages):
            after = start + (page + 1) * length if page + 1 < pages else 0
            stream.write(body + struct.pack("<I", after))
    return path
