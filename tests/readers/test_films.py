import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from spinetk.readers.films import as_viewed, exposed_part

RAMP = np.linspace(0, 4095, 200 * 100, dtype=np.float32).reshape(200, 100)


def film(**elements: object) -> Dataset:
    dataset = Dataset()
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsStored, dataset.PixelRepresentation = 12, 0
    for name, value in elements.items():
        setattr(dataset, name, value)
    return dataset


def test_a_window_is_applied_and_one_without_contrast_is_not() -> None:
    seen = as_viewed(RAMP, film(WindowCenter=2000, WindowWidth=1000))
    assert seen[RAMP < 1400].max() == seen.min() and seen[RAMP > 2600].min() == seen.max()
    np.testing.assert_array_equal(as_viewed(RAMP, film(WindowCenter=90000, WindowWidth=1)), RAMP)
    np.testing.assert_array_equal(as_viewed(RAMP, film()), RAMP)


def test_bone_is_bright_whatever_the_photometric_interpretation() -> None:
    seen = as_viewed(RAMP, film(PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_allclose(seen, RAMP[::-1, ::-1], atol=1e-2)


def test_a_damaged_lut_is_no_reason_to_refuse_the_film() -> None:
    broken = Dataset()
    broken.LUTDescriptor, broken.LUTData = [0, 0, 16], []
    np.testing.assert_array_equal(as_viewed(RAMP, film(VOILUTSequence=[broken])), RAMP)


def collimated() -> NDArray[np.float32]:
    picture = np.full((200, 100), 7, dtype=np.float32)
    picture[30:181, 20:91] = np.random.default_rng(0).normal(500, 100, (151, 71))
    return picture


def test_the_exposed_part_is_the_shutters_or_what_is_not_flat() -> None:
    shutter = film(
        ShutterShape="RECTANGULAR", ShutterUpperHorizontalEdge=11, ShutterLowerHorizontalEdge=190,
        ShutterLeftVerticalEdge=6, ShutterRightVerticalEdge=95,
    )  # fmt: skip
    assert exposed_part(collimated(), shutter) == (10, 5, 190, 95)
    assert exposed_part(collimated(), film()) == (30, 20, 181, 91)
    assert exposed_part(RAMP, film()) is None
    tiny = film(
        ShutterShape="RECTANGULAR", ShutterUpperHorizontalEdge=1, ShutterLowerHorizontalEdge=5,
        ShutterLeftVerticalEdge=1, ShutterRightVerticalEdge=5,
    )  # fmt: skip
    assert exposed_part(RAMP, tiny) is None  # not believed
