"""Files as scanners, archives and film readers send them, each read to the phantom's pixels."""

import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.tag import Tag
from pydicom.uid import HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL, JPEGBaseline8Bit

from spinetk.errors import UnreadableInput
from spinetk.phantom import Phantom, PhantomConfig, make_phantom, write_phantom
from spinetk.readers import archives, read
from spinetk.study import Series
from tests.debian import needs_debian
from tests.make_dicom import write_enhanced_mr

LOSSLESS = {
    "explicit little endian": ["dcmconv", "+te"],
    "implicit little endian": ["dcmconv", "+ti"],
    "explicit big endian": ["dcmconv", "+tb"],
    "deflated": ["dcmconv", "+td"],
    "RLE": ["dcmcrle"],
    "JPEG lossless": ["dcmcjpeg", "+el"],
    "JPEG lossless, first-order": ["dcmcjpeg", "+e1"],
    "JPEG-LS lossless": ["dcmcjpls", "+el"],
    "JPEG 2000 lossless": ["gdcmconv", "--j2k"],
}
LOSSY = {
    "JPEG-LS near-lossless": ["dcmcjpls", "+en"],
    "JPEG 2000": ["gdcmconv", "--j2k", "--irreversible", "-q", "70"],
}


@pytest.fixture(scope="module")
def small() -> Phantom:
    return make_phantom(PhantomConfig(look="T1", slices=3, samples=1, height=160, width=128))


@pytest.fixture(scope="module")
def study(small: Phantom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    write_phantom(small, folder)
    return folder / "dicom"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> pydicom.FileDataset:
    folder = tmp_path_factory.mktemp("film")
    config = PhantomConfig(look="XR", samples=1, height=200, width=160, slices=3)
    write_phantom(make_phantom(config), folder)
    return pydicom.dcmread(next((folder / "dicom").iterdir()))


def only(path: Path) -> Series:
    [series] = read(path).series
    return series


def assert_the_phantom(series: Series, phantom: Phantom, within: float = 0.51) -> None:
    by_place = {g.origin[0]: v for g, v in zip(phantom.geometries, phantom.volume, strict=True)}
    assert len(series.slices) == len(phantom.volume)
    for one in series.slices:
        assert one.geometry is not None
        expected = by_place[min(by_place, key=lambda x: abs(x - one.geometry.origin[0]))]
        assert np.abs(one.pixels - expected).max() <= within


def convert(study: Path, out: Path, command: list[str]) -> None:
    out.mkdir()
    for path in study.iterdir():
        done = subprocess.run([*command, str(path), str(out / path.name)], capture_output=True)
        assert done.returncode == 0, done.stderr


def twelve_bit(study: Path, out: Path) -> Path:
    """The study as codes for 12 bit can hold it."""
    out.mkdir()
    for path in study.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.BitsStored, dataset.HighBit = 12, 11
        dataset.PixelData = np.clip(dataset.pixel_array, 0, 4095).astype("<u2").tobytes()
        dataset.save_as(out / path.name)
    return out


@pytest.mark.parametrize("name", LOSSLESS)
@needs_debian("dcmtk", "dcmconv")
@needs_debian("libgdcm-tools", "gdcmconv")
def test_transfer_syntaxes_without_loss(
    small: Phantom, study: Path, tmp_path: Path, name: str
) -> None:
    convert(study, tmp_path / "out", LOSSLESS[name])
    assert_the_phantom(only(tmp_path / "out"), small)


@pytest.mark.parametrize("name", LOSSY)
@needs_debian("dcmtk", "dcmconv")
@needs_debian("libgdcm-tools", "gdcmconv")
def test_transfer_syntaxes_with_loss(
    small: Phantom, study: Path, tmp_path: Path, name: str
) -> None:
    convert(twelve_bit(study, tmp_path / "12bit"), tmp_path / "out", LOSSY[name])
    assert_the_phantom(only(tmp_path / "out"), small, within=60)


@pytest.mark.parametrize("syntax", [HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K])
def test_htj2k_is_read_without_loss(
    small: Phantom, study: Path, tmp_path: Path, syntax: pydicom.uid.UID
) -> None:
    import imagecodecs

    def packed(dataset: Dataset, number: int) -> None:
        code = imagecodecs.htj2k_encode(np.ascontiguousarray(dataset.pixel_array), reversible=True)
        dataset.PixelData = pydicom.encaps.encapsulate([bytes(code)])
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = syntax

    assert_the_phantom(only(with_headers(study, tmp_path / "a", packed)), small)


@needs_debian("dcmtk", "dcmcjpeg")
def test_jpeg_baseline(film: pydicom.FileDataset, tmp_path: Path) -> None:
    """Eight bits, as baseline JPEG holds; at this quality a value is some grey levels off."""
    (tmp_path / "8bit").mkdir()
    values = film.pixel_array.astype(np.float64)
    values -= values.min()  # dcmcjpeg would take it off
    gray = np.round(values * (255 / values.max())).astype(np.uint8)
    film = changed(film, BitsAllocated=8, BitsStored=8, HighBit=7)
    film.PixelData = gray.tobytes()
    film.save_as(tmp_path / "8bit" / "film")
    convert(tmp_path / "8bit", tmp_path / "out", ["dcmcjpeg", "+eb", "+q", "95"])
    encoded = pydicom.dcmread(tmp_path / "out" / "film")
    assert encoded.file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    [one] = only(tmp_path / "out").slices
    assert np.abs(one.pixels - gray).max() <= 12


@needs_debian("dcmtk", "dcmcjpeg")
def test_what_needs_another_decoder_says_so(study: Path, tmp_path: Path) -> None:
    """JPEG extended with 12 bit: the only decoder in reach is under the GPL, so it is an extra."""
    source = twelve_bit(study, tmp_path / "12bit")
    convert(source, tmp_path / "out", ["dcmcjpeg", "+ee"])
    with pytest.raises(UnreadableInput, match=r"JPEG Extended .* pip install '.\[codecs\]'"):
        read(tmp_path / "out")


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
    with pytest.raises(UnreadableInput, match="b.zip: the archive is too large"):
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


def shipped_by_pydicom() -> list[Path]:
    """The DICOM files in pydicom's wheel (highdicom's and gdcm's hold none)."""
    folder = Path(str(get_testdata_file("MR_small.dcm", download=False))).parent
    return sorted(folder.glob("*.dcm"))


@pytest.mark.parametrize("path", shipped_by_pydicom(), ids=lambda path: path.stem)
def test_pydicoms_own_files_are_read_or_refused_with_a_reason(path: Path) -> None:
    try:
        study = read(path)
    except UnreadableInput as refused:
        assert "\n" not in str(refused)
    else:
        assert all(one.pixels.ndim == 2 for series in study.series for one in series.slices)


@pytest.mark.parametrize(
    "kind", ["", "_RLE", "_bigendian", "_expb", "_implicit", "_jp2klossless", "_jpeg_ls_lossless",
             "_padded"]
)  # fmt: skip
def test_pydicoms_mr_is_the_same_in_every_encoding(kind: str, tmp_path: Path) -> None:
    """The pixels stay as other programs encoded them; the one axial slice is said to be sagittal,
    since a single axial slice is refused."""
    dataset = pydicom.dcmread(get_testdata_file(f"MR_small{kind}.dcm", download=False))
    dataset.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    dataset.save_as(tmp_path / "slice")
    [one] = only(tmp_path).slices
    plain = pydicom.dcmread(get_testdata_file("MR_small.dcm", download=False))
    stored = np.frombuffer(plain.PixelData, dtype="<i2").reshape(plain.Rows, plain.Columns)
    np.testing.assert_array_equal(one.pixels, stored)


def save(dataset: Dataset, folder: Path) -> Series:
    folder.mkdir()
    dataset.save_as(folder / "film")
    return only(folder)


def changed(film: pydicom.FileDataset, **values: object) -> pydicom.FileDataset:
    import copy

    out = copy.deepcopy(film)
    for name, value in values.items():
        setattr(out, name, value)
    return out


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
        assert any("spacing is not known" in w.text for w in series.warnings)


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


def with_headers(study: Path, out: Path, change: Callable[[Dataset, int], None]) -> Path:
    """The study with its headers changed."""
    out.mkdir(exist_ok=True)
    for number, path in enumerate(sorted(study.iterdir())):
        dataset = pydicom.dcmread(path)
        change(dataset, number)
        dataset.save_as(out / path.name)
    return out


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
