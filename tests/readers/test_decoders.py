from pathlib import Path

import cv2
import numpy as np
import pytest

from spinetk.errors import UnreadableInput
from spinetk.readers import decoder_process
from spinetk.readers.decoder_process import picture_apart
from spinetk.readers.decoders import Told, dicom_frame, picture
from tests.readers.bombs import many_pages, many_scans


def gray(path: Path) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 255, (60, 50)).astype(np.uint8)
    cv2.imwrite(str(path), values)
    return values


def test_a_picture_is_decoded_in_its_process_as_in_ours(tmp_path: Path) -> None:
    values = gray(tmp_path / "a.png")
    for stored, told in (picture(tmp_path / "a.png"), picture_apart(tmp_path / "a.png")):
        np.testing.assert_array_equal(stored, values)
        assert tuple(told) == tuple(Told())
    assert picture(many_pages(tmp_path / "b.tif", 3))[1].pages == 3


def test_a_picture_that_takes_too_long_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = gray(tmp_path / "a.png")
    slow = (many_pages(tmp_path / "b.tif", 200_000), many_scans(tmp_path / "c.jpg", 4000, 400))
    for path in slow:
        picture_apart(tmp_path / "a.png")  # the process has started
        with monkeypatch.context() as patched:
            patched.setitem(decoder_process.SECONDS, "picture", 1.0)
            with pytest.raises(UnreadableInput, match="they end the decoder"):
                picture_apart(path)
    np.testing.assert_array_equal(picture_apart(tmp_path / "a.png")[0], values)


def test_what_is_no_picture_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    for decode in (picture, picture_apart):
        with pytest.raises(UnreadableInput, match=r"a\.png: cannot be read as a picture"):
            decode(tmp_path / "a.png")


def test_a_codestream_of_another_size_is_not_decoded(phantom_folder: Path, tmp_path: Path) -> None:
    import pydicom
    from pydicom.pixels import compress
    from pydicom.uid import JPEG2000Lossless

    dataset = pydicom.dcmread(next((phantom_folder / "dicom").iterdir()))
    values = dataset.pixel_array.copy()
    compress(dataset, JPEG2000Lossless)
    dataset.save_as(tmp_path / "a.dcm")
    np.testing.assert_array_equal(dicom_frame(str(tmp_path / "a.dcm"), None), values)
    dataset.Rows = 64
    dataset.save_as(tmp_path / "b.dcm")
    with pytest.raises(ValueError, match="by the header"):
        dicom_frame(str(tmp_path / "b.dcm"), None)
