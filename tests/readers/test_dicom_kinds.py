"""Files as scanners and archives send them, each read to the phantom's pixels."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.tag import Tag

from spinetk.errors import UnreadableInput
from spinetk.phantom import Phantom
from spinetk.readers import archives, read
from tests.debian import needs_debian
from tests.make_dicom import write_enhanced_mr
from tests.readers.dicom_phantom import assert_the_phantom, changed, only, with_headers


def test_a_multi_frame_file(small: Phantom, tmp_path: Path) -> None:
    path = write_enhanced_mr(tmp_path, small)
    series = only(tmp_path)
    assert_the_phantom(series, small)  # sorted by place, each frame's own slope and intercept
    assert {one.origin.number for one in series.slices} == {1, 2, 3}  # type: ignore[union-attr]
    assert all(one.path == path for one in series.slices)


def test_the_echoes_of_a_multi_frame_file_are_series(small: Phantom, tmp_path: Path) -> None:
    write_enhanced_mr(tmp_path, small, echoes=2)
    first, second = read(tmp_path).series
    assert_the_phantom(first, small)
    difference = second.slices[1].pixels - first.slices[1].pixels
    np.testing.assert_allclose(difference, 100, atol=0.51)


def test_a_multi_frame_file_that_describes_other_frames_than_it_has(
    small: Phantom, tmp_path: Path
) -> None:
    path = write_enhanced_mr(tmp_path, small)
    dataset = pydicom.dcmread(path)
    dataset.NumberOfFrames = 7
    dataset.save_as(path)
    with pytest.raises(UnreadableInput, match="says it has 7 frames and describes 3"):
        read(tmp_path)


def test_a_zip_of_nested_folders_without_endings(
    small: Phantom, study: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for number, path in enumerate(study.iterdir()):
            out.write(path, f"PAT/ST{number}/SE0/IM{number}")  # no ending
        out.writestr("../../outside.dcm", study.joinpath(next(study.iterdir())).read_bytes())
        out.writestr("README.TXT", "viewer")
        out.writestr("DICOMDIR", b"x")
    found = read(archive)
    [series] = found.series
    assert_the_phantom(series, small)  # the copy that wanted out counts once
    assert found.passed_over == 1 and not (tmp_path.parent / "outside.dcm").exists()
    folder = series.slices[0].path
    assert folder.exists() and str(tmp_path) not in str(folder)
    del found, series
    assert not folder.exists()  # gone with the last series


def test_a_zip_that_is_damaged_or_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(UnreadableInput, match="a.zip: cannot be unpacked"):
        read(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("x", b"0" * 2_000_000)
    monkeypatch.setattr(archives, "MOST_BYTES", 1_000_000)
    with pytest.raises(UnreadableInput, match="b.zip: the archive holds more"):
        read(tmp_path / "b.zip")
    # a header that lies about the size is not believed either
    content = bytearray((tmp_path / "b.zip").read_bytes())
    where = content.rfind(b"PK\x01\x02")
    content[where + 24 : where + 28] = (1000).to_bytes(4, "little")
    (tmp_path / "b.zip").write_bytes(bytes(content))
    with pytest.raises(UnreadableInput, match="b.zip"):
        read(tmp_path / "b.zip")


@needs_debian("dcmtk", "dcmmkdir")
def test_a_dicomdir_stands_for_the_files_beside_it(
    small: Phantom, study: Path, tmp_path: Path
) -> None:
    for number, path in enumerate(sorted(study.iterdir())):
        shutil.copy(path, tmp_path / f"IM{number}")
    done = subprocess.run(
        ["dcmmkdir", "+r", "--invent", "+id", str(tmp_path), "+D", str(tmp_path / "DICOMDIR")],
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert_the_phantom(only(tmp_path / "DICOMDIR"), small)
    assert_the_phantom(only(tmp_path), small)


def test_a_file_from_before_the_preamble(small: Phantom, study: Path, tmp_path: Path) -> None:
    for path in study.iterdir():
        dataset = pydicom.dcmread(path)
        bare = Dataset()
        bare.update(dataset)
        pydicom.dcmwrite(
            tmp_path / path.stem, bare, implicit_vr=True, little_endian=True,
            enforce_file_format=False,
        )  # fmt: skip
        assert (tmp_path / path.stem).read_bytes()[128:132] != b"DICM"
    assert_the_phantom(only(tmp_path), small)


def test_two_patients_in_one_folder(small: Phantom, study: Path, tmp_path: Path) -> None:
    for person in ("a", "b"):
        uids: dict[str, str] = {}
        for path in study.iterdir():
            dataset = pydicom.dcmread(path)
            for name in ("StudyInstanceUID", "SeriesInstanceUID"):
                setattr(dataset, name, uids.setdefault(name, pydicom.uid.generate_uid()))
            dataset.SOPInstanceUID, dataset.PatientID = pydicom.uid.generate_uid(), person
            dataset.save_as(tmp_path / f"{path.stem}{person}")
    (tmp_path / "notes.txt").write_text("x")
    found = read(tmp_path)
    assert len(found.series) == 2 and len({s.key for s in found.series}) == 2
    assert found.passed_over == 1
    for series in found.series:
        assert_the_phantom(series, small)


def test_phases_at_the_same_places_are_series(small: Phantom, study: Path, tmp_path: Path) -> None:
    for phase in range(2):
        for path in sorted(study.iterdir()):
            dataset = pydicom.dcmread(path)
            dataset.SOPInstanceUID = pydicom.uid.generate_uid()
            dataset.InstanceNumber = int(dataset.InstanceNumber) + 10 * phase
            words = dataset.pixel_array + 100 * phase
            dataset.PixelData = words.astype("<u2").tobytes()
            dataset.save_as(tmp_path / f"{path.stem}{phase}")
    first, second = read(tmp_path).series
    assert any("2 images at every place: taken as 2 series" in w.text for w in first.warnings)
    assert_the_phantom(first, small)
    np.testing.assert_allclose(second.slices[0].pixels - first.slices[0].pixels, 100)


def test_phases_with_an_image_missing_are_parted_by_acquisition(
    small: Phantom, study: Path, tmp_path: Path
) -> None:
    paths = sorted(study.iterdir())
    for phase in (1, 2):
        for number, path in enumerate(paths):
            if (phase, number) == (1, 1):
                continue
            dataset = pydicom.dcmread(path)
            dataset.SOPInstanceUID = pydicom.uid.generate_uid()
            dataset.AcquisitionNumber = phase
            dataset.RescaleSlope, dataset.RescaleIntercept = 1, 1000 * phase
            dataset.save_as(tmp_path / f"{phase}-{number}")
    series = read(tmp_path).series
    assert sorted(len(one.slices) for one in series) == [2, 3]
    for one in series:
        assert any("2 acquisitions at the same places" in w.text for w in one.warnings)
        levels = {int(s.pixels.min() // 1000) for s in one.slices}
        assert len(levels) == 1  # no slice of the other phase among them


def test_different_images_of_one_uid_are_all_kept(
    small: Phantom, study: Path, tmp_path: Path
) -> None:
    for path in study.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.SOPInstanceUID = "1.2.3"
        dataset.save_as(tmp_path / path.name)
    series = only(tmp_path)
    assert_the_phantom(series, small)
    assert any("the same SOPInstanceUID" in w.text for w in series.warnings)


def test_a_screen_shot_is_passed_over(
    film: pydicom.FileDataset, study: Path, tmp_path: Path
) -> None:
    shot = changed(film, Modality="CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.7",
                   SeriesInstanceUID="1.2.3.4")  # fmt: skip
    shot.file_meta.MediaStorageSOPClassUID = shot.SOPClassUID
    shot.save_as(tmp_path / "shot")
    found = read([tmp_path, study])
    assert len(found.series) == 1
    [refused] = found.refused
    assert not refused.failed and "secondary captures" in refused.reason


def test_equal_echo_times_are_one_stack(small: Phantom, study: Path, tmp_path: Path) -> None:
    for number, path in enumerate(study.iterdir()):
        dataset = pydicom.dcmread(path)
        dataset.EchoTime = ("101", "101.0")[number % 2]
        dataset.save_as(tmp_path / path.name)
    assert_the_phantom(only(tmp_path), small)


def test_a_decimal_comma_is_read_with_a_warning(
    small: Phantom, study: Path, tmp_path: Path
) -> None:
    def commas(dataset: Dataset, number: int) -> None:
        for name, text in (("PixelSpacing", b"0,7\\0,7 "), ("SliceThickness", b"4,0 ")):
            tag = Tag(name)
            dataset._dict[tag] = RawDataElement(tag, "DS", len(text), text, 0, False, True)

    series = only(with_headers(study, tmp_path / "a", commas))
    assert_the_phantom(series, small)
    [told] = [w for w in series.warnings if w.code == "value-repaired"]
    assert "PixelSpacing is '0,7\\0,7'" in told.text


def test_values_that_are_empty_single_or_scaled_are_read(
    small: Phantom, study: Path, tmp_path: Path
) -> None:
    def careless(dataset: Dataset, number: int) -> None:
        dataset.PerFrameFunctionalGroupsSequence = Items([])
        dataset.RescaleSlope, dataset.RescaleIntercept = None, None
        dataset.PixelSpacing = [0.7]
        dataset.ImageOrientationPatient = [1.02 * v for v in dataset.ImageOrientationPatient]

    series = only(with_headers(study, tmp_path / "a", careless))
    assert_the_phantom(series, small)
    assert "value-repaired" in [w.code for w in series.warnings]
    geometry = series.slices[0].geometry
    assert geometry is not None and np.linalg.norm(geometry.along_row) == pytest.approx(1)


def test_padding_is_dark_whatever_its_value(small: Phantom, study: Path, tmp_path: Path) -> None:
    def padded(dataset: Dataset, number: int) -> None:
        words = dataset.pixel_array.astype(np.int16)
        words[:20] = -32768
        dataset.PixelRepresentation, dataset.PixelData = 1, words.tobytes()
        dataset.add_new("PixelPaddingValue", "SS", -32768)

    series = only(with_headers(study, tmp_path / "a", padded))
    for one in series.slices:
        assert one.pixels.min() >= 0
        assert (one.pixels[:20] == one.pixels[20:].min()).all()


def test_an_mr_of_inverted_polarity_is_looked_at_inverted(
    small: Phantom, study: Path, tmp_path: Path
) -> None:
    def inverted(dataset: Dataset, number: int) -> None:
        dataset.PhotometricInterpretation = "MONOCHROME1"
        words = 4000 - dataset.pixel_array.astype(np.int32)
        dataset.PixelData = words.astype("<u2").tobytes()

    series = only(with_headers(study, tmp_path / "a", inverted))
    for one, wanted in zip(series.slices, only(study).slices, strict=True):
        shown = one.visible - one.visible.min()
        np.testing.assert_allclose(shown, wanted.pixels - wanted.pixels.min())


def test_what_is_no_image_is_passed_over_by_name(
    small: Phantom, study: Path, tmp_path: Path
) -> None:
    out = with_headers(study, tmp_path / "a", lambda dataset, number: None)
    first = pydicom.dcmread(min(study.iterdir()), stop_before_pixels=True)
    for number, (modality, sop_class) in enumerate(
        (("KO", "1.2.840.10008.5.1.4.1.1.88.59"), ("PR", "1.2.840.10008.5.1.4.1.1.11.1"),
         ("MR", "1.2.840.10008.5.1.4.1.1.66"))
    ):  # fmt: skip
        note = Dataset()
        for name in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber"):
            setattr(note, name, getattr(first, name))
        note.Modality, note.SOPClassUID = modality, sop_class
        note.SOPInstanceUID = pydicom.uid.generate_uid()
        note.file_meta = first.file_meta
        note.save_as(out / f"0000{number}.dcm", enforce_file_format=False, implicit_vr=False,
                     little_endian=True)  # fmt: skip
    found = read(out)
    [series] = found.series
    assert_the_phantom(series, small)
    told = sorted(refusal.reason for refusal in found.refused)
    assert [t for t in told if "KO" in t] and [t for t in told if "PR" in t]
    assert "holds no pixels" in told and not any(r.failed for r in found.refused)


def test_projections_are_passed_over_by_name(study: Path, tmp_path: Path) -> None:
    for kind, change in (
        ("MIP", {"ImageType": ["DERIVED", "SECONDARY", "PROJECTION IMAGE", "MIP"]}),
        ("slab", {"SliceThickness": "20"}),
        ("maker", {"ImageType": ["DERIVED", "SECONDARY", "AXIAL", "CT_SOM5 MIP"]}),
        (
            "mean",
            {
                "ImageType": ["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"],
                "SliceThickness": "10",
            },
        ),
        ("scout", {"Modality": "CT", "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}),
    ):

        def described(dataset: Dataset, number: int, change: dict[str, object] = change) -> None:
            for name, value in change.items():
                setattr(dataset, name, value)

        out = with_headers(study, tmp_path / kind, described)
        with pytest.raises(UnreadableInput, match="3 images: .*not a slice"):
            read(out)


def test_two_patients_under_one_series_uid_are_not_mixed(
    small: Phantom, study: Path, tmp_path: Path
) -> None:
    def second(dataset: Dataset, number: int) -> None:
        dataset.PatientID, dataset.SOPInstanceUID = "OTHER", pydicom.uid.generate_uid()

    (tmp_path / "both").mkdir()
    with_headers(study, tmp_path / "both" / "a", lambda dataset, number: None)
    with_headers(study, tmp_path / "both" / "b", second)
    found = read(tmp_path / "both")
    assert len(found.series) == 2 and len({s.key.split("-")[0] for s in found.series}) == 2
    for series in found.series:
        assert_the_phantom(series, small)
        assert "several-patients" in [w.code for w in series.warnings]
