"""What a header says of a CT's values, and that it reaches the result."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from spinetk.phantom import PhantomConfig, make_phantom
from spinetk.phantom.dicom_files import write_phantom
from spinetk.readers import read
from spinetk.readers.units import no_hounsfield

CT, CAPTURE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.7.3"


def header(**values: object) -> Dataset:
    made = Dataset()
    for name, value in ({"SOPClassUID": CT, "BitsStored": 16} | values).items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("values", "slope", "said"),
    [
        ({}, 1.0, None),
        ({"BitsStored": 12, "RescaleType": "HU"}, 1.0, None),
        ({"RescaleType": "HU_MOD"}, 1.0, None),
        ({"RescaleType": "US"}, 1.0, "RescaleType"),
        ({"BitsStored": 8}, 1.0, "8 bits"),
        ({"BitsStored": 8}, 16.0, None),  # coarse, and stretched to the range
        ({"SOPClassUID": CAPTURE}, 1.0, "secondary capture"),
        ({"SOPClassUID": CAPTURE, "RescaleType": "HU"}, 1.0, None),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, 1.0, "picture of a screen"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN_CAPTURE"]}, 1.0, "picture of a screen"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MPR"]}, 1.0, None),
    ],
)
def test_what_is_no_hounsfield_unit_by_its_header(
    values: dict[str, object], slope: float, said: str | None
) -> None:
    doubt = no_hounsfield(header(**values), Dataset(), slope)
    assert doubt is None if said is None else said in str(doubt)


def test_signed_bytes_are_told(tmp_path: Path) -> None:
    """-128 to 127 reach below fat and above bone, so that the values alone do not tell."""
    write_phantom(make_phantom(PhantomConfig(look="CT", slices=3, samples=1)), tmp_path)
    for path in (tmp_path / "dicom").rglob("*.dcm"):
        image = dcmread(path)
        values = image.pixel_array.astype(float)
        scaled = np.interp(values, (values.min(), values.max()), (-128, 127)).astype(np.int8)
        image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 8, 8, 7, 1
        image.RescaleSlope, image.RescaleIntercept = "1", "0"
        if "RescaleType" in image:
            del image.RescaleType
        image["PixelData"].VR = "OB"
        image.PixelData = scaled.tobytes() + b"\0" * (scaled.size % 2)
        image.save_as(path)
    [series] = read(tmp_path / "dicom").series
    assert series.in_grey_values and not series.in_hounsfield
    assert series.slices[0].pixels.min() == -128


def test_a_slice_of_another_intercept_is_told(tmp_path: Path) -> None:
    write_phantom(make_phantom(PhantomConfig(look="CT", slices=3, samples=1)), tmp_path)
    path = sorted((tmp_path / "dicom").iterdir())[1]
    image = dcmread(path)
    image.RescaleIntercept = "0"
    image.save_as(path)
    [series] = read(tmp_path / "dicom").series
    assert series.in_grey_values
