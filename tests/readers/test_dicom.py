import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from spinetk.errors import UnreadableInput
from spinetk.phantom import Phantom, PhantomConfig, make_phantom, write_phantom
from spinetk.readers import read


def test_slices_come_sorted_by_position_not_by_name_or_number(
    phantom: Phantom, phantom_folder: Path
) -> None:
    [series] = read(phantom_folder / "dicom").series
    # names and instance numbers run against the positions; the normal (row x column) points right
    lateral = [s.geometry.origin[0] for s in series.slices if s.geometry]
    assert lateral == sorted(lateral, reverse=True)
    assert [s.index for s in series.slices] == list(range(9))
    by_place = {g.origin[0]: v for g, v in zip(phantom.geometries, phantom.volume, strict=True)}
    for one in series.slices:
        assert one.geometry is not None
        np.testing.assert_allclose(one.pixels, by_place[one.geometry.origin[0]], atol=0.5)


def test_spacing_modality_and_a_key_without_identity(phantom_folder: Path) -> None:
    [series] = read(phantom_folder / "dicom").series
    assert series.modality == "MR" and series.spacing_source == "PixelSpacing"
    assert series.slices[0].spacing == (0.7, 0.7)
    assert series.slices[0].geometry is not None
    assert series.slices[0].geometry.thickness == pytest.approx(4.0)
    assert len(series.key) == 10 and series.key.endswith("-1") and "PHANTOM" not in series.key


def test_several_series_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    for number, look in ((1, "T1"), (2, "T2")):
        small = PhantomConfig(look=look, slices=3, samples=1)  # type: ignore[arg-type]
        write_phantom(make_phantom(small), tmp_path / look, series_number=number)
    # all files in one folder, mixed
    for look in ("T1", "T2"):
        for path in (tmp_path / look / "dicom").iterdir():
            shutil.move(path, tmp_path / f"{look}-{path.name}")
        shutil.rmtree(tmp_path / look)
    study = read(tmp_path)
    assert [len(s.slices) for s in study.series] == [3, 3]
    assert {s.key.split("-")[1] for s in study.series} == {"1", "2"}


def test_hounsfield_units_are_rescaled(tmp_path: Path) -> None:
    made = make_phantom(PhantomConfig(look="CT", slices=3, samples=1))
    write_phantom(made, tmp_path)
    [series] = read(tmp_path / "dicom").series
    assert series.modality == "CT"
    assert series.slices[1].pixels.min() == pytest.approx(-1024, abs=80)
    np.testing.assert_allclose(series.slices[1].pixels, made.volume[1], atol=0.51)


def test_a_radiograph_is_one_slice_with_its_spacing(tmp_path: Path) -> None:
    write_phantom(make_phantom(PhantomConfig(look="XR", samples=1)), tmp_path)
    [series] = read(tmp_path / "dicom").series
    assert series.modality == "XR" and len(series.slices) == 1
    assert series.slices[0].spacing == (0.7, 0.7) and series.slices[0].geometry is None


def test_an_axial_series_is_refused_with_the_reason() -> None:
    path = get_testdata_file("CT_small.dcm")
    with pytest.raises(
        UnreadableInput, match="axial series of 1 slice: too few to be cut in the sagittal plane"
    ):
        read(str(path))


def test_a_text_file_named_dcm(tmp_path: Path) -> None:
    (tmp_path / "notes.dcm").write_text("not an image")
    with pytest.raises(UnreadableInput, match=r"notes.dcm: is not a DICOM file"):
        read(tmp_path)


def test_a_truncated_file_alone_is_refused(phantom_folder: Path, tmp_path: Path) -> None:
    whole = next((phantom_folder / "dicom").iterdir()).read_bytes()
    (tmp_path / "cut.dcm").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableInput, match="cannot be decoded"):
        read(tmp_path)
    (tmp_path / "cut.dcm").write_bytes(whole[:300])
    with pytest.raises(UnreadableInput, match="cut.dcm"):
        read(tmp_path)


def test_missing_and_doubled_slices_are_warned_of(phantom_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(phantom_folder / "dicom", tmp_path / "dicom")
    files = sorted((tmp_path / "dicom").iterdir())
    files[3].unlink()
    again = pydicom.dcmread(files[5])
    again.SOPInstanceUID += ".1"
    again.save_as(tmp_path / "dicom" / "again.dcm")
    [series] = read(tmp_path).series
    assert len(series.slices) == 8
    assert any("uneven slice distance (4.00 to 8.00 mm)" in w.text for w in series.warnings)
    assert any("at a place already taken" in w.text for w in series.warnings)


def test_a_localizer_of_another_orientation_is_not_mixed_in(
    phantom_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(phantom_folder / "dicom", tmp_path / "dicom")
    axial = pydicom.dcmread(next((tmp_path / "dicom").iterdir()))
    axial.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    axial.SOPInstanceUID += ".2"
    axial.save_as(tmp_path / "dicom" / "axial.dcm")
    study = read(tmp_path)
    assert len(study.series[0].slices) == 9
    assert "axial series" in study.refused[0].reason


def test_water_and_fat_of_one_series_are_told_apart(phantom_folder: Path, tmp_path: Path) -> None:
    for kind in ("W", "F"):
        for path in sorted((phantom_folder / "dicom").iterdir()):
            dataset = pydicom.dcmread(path)
            dataset.ImageType = ["DERIVED", "PRIMARY", "DIXON", kind]
            dataset.SOPInstanceUID = pydicom.uid.generate_uid()
            dataset.save_as(tmp_path / f"{path.stem}-{kind}.dcm")
    assert [len(s.slices) for s in read(tmp_path).series] == [9, 9]


def test_a_slice_without_position_is_left_out_and_two_films_are_two_series(
    phantom_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(phantom_folder / "dicom", tmp_path / "mr")
    broken = pydicom.dcmread(next((tmp_path / "mr").iterdir()))
    del broken.ImagePositionPatient
    broken.save_as(broken.filename)
    [series] = read(tmp_path / "mr").series
    assert len(series.slices) == 8
    assert any("1 of 9 slices have no orientation, position" in w.text for w in series.warnings)
    write_phantom(make_phantom(PhantomConfig(look="XR", samples=1)), tmp_path / "xr")
    [film] = list((tmp_path / "xr" / "dicom").iterdir())
    shutil.copy(film, film.with_name("copy.dcm"))  # the same image again
    second = pydicom.dcmread(film)
    second.SOPInstanceUID = pydicom.uid.generate_uid()
    second.save_as(film.with_name("second.dcm"))
    assert [len(s.slices) for s in read(tmp_path / "xr" / "dicom").series] == [1, 1]
