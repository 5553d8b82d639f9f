"""DICOM films as film readers and detectors send them."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from spinetk.errors import UnreadableInput
from spinetk.phantom import Phantom
from spinetk.study import Series
from tests.readers.dicom_phantom import assert_the_phantom, changed, only


def save(dataset: Dataset, folder: Path) -> Series:
    folder.mkdir()
    dataset.save_as(folder / "film")
    return only(folder)


def test_monochrome1_is_shown_with_bright_bone_and_measured_as_it_is(
    film: pydicom.FileDataset, tmp_path: Path
) -> None:
    plain = save(film, tmp_path / "a").slices[0]
    inverted = 4095 - film.pixel_array.clip(0, 4095)
    made = changed(
        film, PhotometricInterpretation="MONOCHROME1", PixelData=inverted.astype("<u2").tobytes()
    )
    one = save(made, tmp_path / "b").slices[0]
    np.testing.assert_array_equal(one.pixels, inverted)
    assert np.corrcoef(one.visible.ravel(), plain.visible.ravel())[0, 1] > 0.999


def test_a_voi_lut_and_a_window_are_what_is_seen(film: pydicom.FileDataset, tmp_path: Path) -> None:
    window = changed(film, WindowCenter="1650", WindowWidth="200")
    one = save(window, tmp_path / "a").slices[0]
    assert len(np.unique(one.visible[one.pixels > 1750])) == 1  # beyond the window all is white
    lut = Dataset()
    lut.LUTDescriptor = [4096, 0, 16]
    lut.LUTData = (np.arange(4096) ** 2 // 256).astype(np.uint16).tobytes()
    made = changed(film, VOILUTSequence=Items([lut]))
    for name in ("WindowCenter", "WindowWidth"):
        delattr(made, name)
    one = save(made, tmp_path / "b").slices[0]
    inside = one.pixels < 4096
    expected = one.pixels[inside].astype(int) ** 2 // 256
    np.testing.assert_array_equal(one.visible[inside], expected)
    np.testing.assert_array_equal(one.pixels, film.pixel_array)


def test_a_film_lying_on_its_side_is_turned(film: pydicom.FileDataset, tmp_path: Path) -> None:
    from spinetk.orientation import upright_turn

    upright = save(film, tmp_path / "a").slices[0]
    stored = np.ascontiguousarray(np.rot90(film.pixel_array))  # head now to the left
    made = changed(
        film, PixelData=stored.tobytes(), Rows=stored.shape[0], Columns=stored.shape[1],
        PatientOrientation=["F", "A"],
    )  # fmt: skip
    one = save(made, tmp_path / "b").slices[0]
    np.testing.assert_array_equal(upright_turn(one.directions).apply(one.pixels), upright.pixels)
    mirrored = changed(
        film, PixelData=np.ascontiguousarray(film.pixel_array[:, ::-1]).tobytes(),
        PatientOrientation=["A", "F"],
    )  # fmt: skip
    one = save(mirrored, tmp_path / "c").slices[0]
    np.testing.assert_array_equal(upright_turn(one.directions).apply(one.pixels), upright.pixels)


@pytest.mark.parametrize("named", [True, False])
def test_what_the_collimator_covers_is_left_out(
    film: pydicom.FileDataset, tmp_path: Path, named: bool
) -> None:
    covered: NDArray[np.uint16] = np.zeros_like(film.pixel_array)
    covered[30:180, 20:140] = film.pixel_array[30:180, 20:140]
    made = changed(film, PixelData=covered.tobytes())
    if named:
        made.ShutterShape = "RECTANGULAR"
        made.ShutterUpperHorizontalEdge, made.ShutterLowerHorizontalEdge = "31", "180"
        made.ShutterLeftVerticalEdge, made.ShutterRightVerticalEdge = "21", "140"
    one = save(made, tmp_path / "a").slices[0]
    assert one.content is not None
    assert np.abs(np.subtract(one.content, (30, 20, 180, 140))).max() <= (0 if named else 12)


def test_which_spacing_of_a_film_is_taken(film: pydicom.FileDataset, tmp_path: Path) -> None:
    made = changed(film, ImagerPixelSpacing=[0.2, 0.2])
    del made.PixelSpacingCalibrationType
    series = save(made, tmp_path / "a")
    assert series.slices[0].spacing == (0.7, 0.7) and series.spacing_source == "PixelSpacing"
    made.PixelSpacing = [0.2, 0.2]
    repeated = save(made, tmp_path / "repeated")
    assert any("at the detector" in w.text for w in repeated.warnings)
    made.PixelSpacingCalibrationType = "FIDUCIAL"
    assert save(made, tmp_path / "calibrated").spacing_source == "PixelSpacing"
    del made.PixelSpacing
    series = save(made, tmp_path / "b")
    assert series.slices[0].spacing == (0.2, 0.2) and series.spacing_source == "ImagerPixelSpacing"
    assert any("at the detector" in w.text for w in series.warnings)
    for values in ([0.0, 0.0], [-1.0, 1.0], [1e6, 1e6]):
        made.ImagerPixelSpacing = values
        series = save(made, tmp_path / f"c{values[0]}")
        assert series.slices[0].spacing is None
        assert any(w.code == "spacing-missing" for w in series.warnings)


def test_burned_in_text_is_warned_of(film: pydicom.FileDataset, tmp_path: Path) -> None:
    series = save(changed(film, BurnedInAnnotation="YES"), tmp_path / "a")
    assert any("burned into the pixels" in w.text for w in series.warnings)


def test_an_absurd_size_is_refused(film: pydicom.FileDataset, tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="too large"):
        save(changed(film, Rows=60000, Columns=60000), tmp_path / "a")
    with pytest.raises(UnreadableInput):
        save(changed(film, Rows=0), tmp_path / "b")


def test_a_number_stored_with_the_wrong_type_is_understood_or_left_out(
    study: Path, small: Phantom, tmp_path: Path
) -> None:
    for path in study.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.add_new("PixelSpacing", "LO", ["0.7", "0.7"])
        dataset.add_new("InstanceNumber", "LO", "seven")
        dataset.save_as(tmp_path / path.name)
    assert_the_phantom(only(tmp_path), small)


def test_a_film_that_does_not_say_how_it_lies_is_warned_of(
    film: pydicom.FileDataset, tmp_path: Path
) -> None:
    assert not any("how it lies" in w.text for w in save(film, tmp_path / "said").warnings)
    bare = changed(film)
    del bare.PatientOrientation
    assert any("how it lies" in w.text for w in save(bare, tmp_path / "bare").warnings)
