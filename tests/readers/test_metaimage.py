"""The reader of MetaImage against ITK's, which writes the files."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from spinetk.errors import UnreadableInput
from spinetk.readers.metaimage import open_metaimage

TURN = np.radians(20)
DIRECTION = np.array(
    [[np.cos(TURN), -np.sin(TURN), 0], [np.sin(TURN), np.cos(TURN), 0], [0, 0, -1]]
)


def loaded(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The whole array and its affine, put together from slabs of two planes."""
    volume = open_metaimage(path)
    array = np.concatenate(list(volume.slabs(2)), axis=2).astype(np.float32)
    assert array.shape == volume.shape
    return array, volume.affine


def write(path: Path, array: np.ndarray, compressed: bool = False) -> SimpleITK.Image:
    image = SimpleITK.GetImageFromArray(array)
    image.SetDirection(DIRECTION.ravel().tolist())
    image.SetSpacing((4.0, 0.8, 0.7))
    image.SetOrigin((10.5, -20.25, 30.125))
    SimpleITK.WriteImage(image, str(path), compressed)
    return image


@pytest.mark.parametrize("suffix", [".mha", ".mhd"])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kind", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_what_itk_writes_is_read_to_the_same_voxels_in_the_same_place(
    kind: str, compressed: bool, suffix: str, tmp_path: Path
) -> None:
    values = np.random.default_rng(0).integers(0, 120, (7, 6, 5)).astype(kind)
    image = write(tmp_path / f"scan{suffix}", values, compressed)
    array, affine = loaded(tmp_path / f"scan{suffix}")
    np.testing.assert_array_equal(array, values.T)
    for index in ((0, 0, 0), (4, 5, 6), (1, 0, 3)):
        expected = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose((affine @ (*index, 1))[:3], expected, atol=1e-9)


def test_big_endian_values_and_a_header_of_given_size(tmp_path: Path) -> None:
    values = np.arange(24, dtype=">i2").reshape(4, 3, 2)
    head = (
        "ObjectType = Image\nNDims = 3\nDimSize = 2 3 4\nElementType = MET_SHORT\n"
        "ElementByteOrderMSB = True\nHeaderSize = {}\nElementDataFile = a.raw\n"
    )
    (tmp_path / "a.raw").write_bytes(b"12345" + values.tobytes())
    for size in (5, -1):
        (tmp_path / "a.mhd").write_text(head.format(size))
        array, affine = loaded(tmp_path / "a.mhd")
        np.testing.assert_array_equal(array, values.T)
        np.testing.assert_array_equal(affine, np.eye(4))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("DimSize = 5 6 7", "DimSize = 50 60 70", "sizes do not fit"),
        ("DimSize = 5 6 7", "DimSize = 5 6", "sizes are not usable"),
        ("ElementType = MET_UCHAR", "ElementType = MET_OTHER", "lacks a usable MET_OTHER"),
        ("ElementSpacing = 4", "ElementSpacing = x 4", "x"),
        ("ElementDataFile = LOCAL", "ElementDataFile = ../secret", "not in the same folder"),
        ("ElementDataFile = LOCAL", "ElementDataFile = absent.raw", "not beside it"),
        ("BinaryData = True", "BinaryData = False", "written as text"),
        ("NDims = 3", "NDims = 3\nElementNumberOfChannels = 3", "gray values"),
        ("NDims = 3", "NDims = 3\nDistanceUnits = inch", "DistanceUnits"),
    ],
)
def test_what_cannot_be_read_is_refused(old: str, new: str, reason: str, tmp_path: Path) -> None:
    write(tmp_path / "a.mha", np.zeros((7, 6, 5), dtype=np.uint8))
    content = (tmp_path / "a.mha").read_bytes()
    assert old.encode() in content
    (tmp_path / "a.mha").write_bytes(content.replace(old.encode(), new.encode()))
    with pytest.raises(UnreadableInput, match=reason):
        loaded(tmp_path / "a.mha")


def test_a_header_size_counts_from_the_files_beginning_as_itks_does(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 900, (4, 40, 41)).astype(np.int16)
    write(tmp_path / "a.mha", array)
    content = (tmp_path / "a.mha").read_bytes()
    at = content.index(b"ElementDataFile")
    end = content.index(b"\n", at) + 1
    for size in ("-5", "whole"):
        line = b"HeaderSize = %s\n"
        number = b"-5" if size == "-5" else b"%d" % (end + len(b"HeaderSize = 000\n"))
        made = content[:at] + line % number + content[at:]
        (tmp_path / "b.mha").write_bytes(made)
        theirs = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "b.mha")))
        ours, _ = loaded(tmp_path / "b.mha")
        np.testing.assert_array_equal(ours, theirs.transpose(2, 1, 0))
        np.testing.assert_array_equal(ours, array.transpose(2, 1, 0))


@pytest.mark.parametrize(("unit", "mm"), [("mm", 1.0), ("cm", 10.0), ("um", 0.001), ("?", 1.0)])
def test_units_of_distance_are_read(unit: str, mm: float, tmp_path: Path) -> None:
    path = tmp_path / "a.mha"
    write(path, np.zeros((7, 6, 5), dtype=np.uint8))
    _, plain = loaded(path)
    content = path.read_bytes().replace(b"NDims = 3", f"NDims = 3\nDistanceUnits = {unit}".encode())
    path.write_bytes(content)
    np.testing.assert_allclose(loaded(path)[1][:3], plain[:3] * mm)
