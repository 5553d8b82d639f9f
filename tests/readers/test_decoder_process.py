"""Damaged codestreams end the decoder's process at most, never ours."""

import random
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from pydicom.pixels import compress
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless

from spinetk.errors import UnreadableInput
from spinetk.readers import decoder_process, read
from spinetk.readers.decoder_process import decoded_apart, picture_apart
from spinetk.readers.dicom_headers import read_headers
from spinetk.readers.dicom_pixels import decode_file

SYNTAXES = (JPEG2000Lossless, JPEGLSLossless)


def compressed(path: Path, phantom_folder: Path, syntax: UID) -> np.ndarray:
    """One image of the phantom, compressed; returns its values."""
    dataset = pydicom.dcmread(sorted((phantom_folder / "dicom").iterdir())[4])
    values = dataset.pixel_array.copy()
    compress(dataset, syntax)
    dataset.save_as(path)
    return values


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_values_are_those_of_the_file(syntax: UID, phantom_folder: Path, tmp_path: Path) -> None:
    values = compressed(tmp_path / "a.dcm", phantom_folder, syntax)
    [stored] = decoded_apart(tmp_path / "a.dcm")
    np.testing.assert_array_equal(stored, values)


def test_a_decoder_that_ends_costs_one_image(phantom_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    values = compressed(path, phantom_folder, JPEG2000Lossless)
    [_] = decoded_apart(path)
    child = decoder_process._decoder._child
    assert child is not None
    # as an abort in the middle of an image does: the answer never comes
    child.kill()
    child.wait()
    child.poll = lambda: None  # type: ignore[method-assign]
    with pytest.raises(UnreadableInput, match="they end the decoder"):
        list(decoded_apart(path))
    [stored] = decoded_apart(path)
    np.testing.assert_array_equal(stored, values)


def test_a_decoder_that_takes_too_long_is_given_up(
    phantom_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compressed(tmp_path / "a.dcm", phantom_folder, JPEG2000Lossless)
    decoder_process._decoder.stop()
    monkeypatch.setitem(decoder_process.SECONDS, "dicom", 0.001)  # it has not even begun then
    with pytest.raises(UnreadableInput, match="they end the decoder"):
        list(decoded_apart(tmp_path / "a.dcm"))


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_damaged_codestreams_are_read_or_refused(
    syntax: UID, phantom_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "whole.dcm"
    compressed(path, phantom_folder, syntax)
    content = path.read_bytes()
    start = content.index(b"\xfe\xff\x00\xe0", content.index(b"\xe0\x7f\x10\x00") + 16) + 8
    chance = random.Random(1)
    (tmp_path / "in").mkdir()
    refused = 0
    for number in range(40):
        changed = bytearray(content)
        # headers of the codestream are where decoders trust what they read
        for _ in range(chance.randint(1, 6)):
            changed[start + chance.randrange(200)] = chance.randrange(256)
        harmed = tmp_path / "in" / f"{number}.dcm"
        harmed.write_bytes(changed)
        try:
            pixels, _ = decode_file(read_headers(harmed)[0])
            assert pixels.shape == read_headers(harmed)[0].shape
        except UnreadableInput as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 10


def test_one_damaged_image_leaves_the_others(phantom_folder: Path, tmp_path: Path) -> None:
    for path in (phantom_folder / "dicom").iterdir():
        dataset = pydicom.dcmread(path)
        compress(dataset, JPEG2000Lossless)
        dataset.save_as(tmp_path / path.name)
    harmed = sorted(tmp_path.iterdir())[2]
    content = harmed.read_bytes()
    harmed.write_bytes(content.replace(b"\xff\x4f\xff\x51", b"\xff\x4f\xff\x52"))
    study = read(tmp_path)
    assert len(study.series[0].slices) == 8
    assert any(harmed.name in f"{item.name}{item.reason}" for item in study.refused)


def test_pixels_of_another_size_than_the_headers_are_refused(
    phantom_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.dcm"
    values = compressed(path, phantom_folder, JPEG2000Lossless)
    dataset = pydicom.dcmread(path)
    dataset.Rows, dataset.Columns = values.shape[0] // 2, values.shape[1] * 2
    dataset.save_as(path)
    with pytest.raises(UnreadableInput):
        decode_file(read_headers(path)[0])


def test_after_an_interruption_nobody_gets_anothers_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, side in (("large.png", 3000), ("small.png", 60)):
        cv2.imwrite(str(tmp_path / name), np.full((side, side), 7, np.uint8))
    picture_apart(tmp_path / "small.png")

    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(decoder_process, "_whole", interrupted)
        with pytest.raises(KeyboardInterrupt):
            picture_apart(tmp_path / "large.png")
    assert picture_apart(tmp_path / "small.png")[0].shape == (60, 60)
