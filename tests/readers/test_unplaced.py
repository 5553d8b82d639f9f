from pathlib import Path

import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from spinetk.errors import UnreadableInput
from spinetk.readers import read
from spinetk.readers.unplaced import why_unplaced


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (b"0.7mm\\0.7mm", "PixelSpacing is '0.7mm\\0.7mm', which is not 2 numbers"),
        (b"0.7;0.7", "PixelSpacing is '0.7;0.7', which is not 2 numbers"),
        (b"0.7/0.7", "PixelSpacing is '0.7/0.7', which is not 2 numbers"),
        (b"0\\0", "PixelSpacing is '0\\0', which is no distance of pixels"),
        (b"-0.7\\-0.7", "PixelSpacing is '-0.7\\-0.7', which is no distance of pixels"),
        (b"0.7\\0.7\\0.7", "PixelSpacing is '0.7\\0.7\\0.7', which is not 2 numbers"),
        (b"", "pixel spacing is missing in the header"),
    ],
)
def test_a_spacing_that_is_none_is_named_as_it_is_written(
    written: bytes, why: str, phantom_folder: Path, tmp_path: Path
) -> None:
    for path in (phantom_folder / "dicom").iterdir():
        dataset = pydicom.dcmread(path)
        tag = Tag("PixelSpacing")
        dataset._dict[tag] = RawDataElement(tag, "DS", len(written), written, 0, False, True)
        dataset.save_as(tmp_path / path.name)
    with pytest.raises(UnreadableInput) as told:
        read(tmp_path)
    assert why in str(told.value)


def test_what_else_is_missing_or_wrong_is_named(phantom_folder: Path) -> None:
    dataset = pydicom.dcmread(next((phantom_folder / "dicom").iterdir()))
    del dataset.ImagePositionPatient
    assert why_unplaced(dataset) == "image position patient is missing in the header"
    dataset.ImagePositionPatient = [0, 0, 0]
    dataset.ImageOrientationPatient = [1, 0, 0, 1, 0, 0]
    assert "not two directions at right angles" in why_unplaced(dataset)
