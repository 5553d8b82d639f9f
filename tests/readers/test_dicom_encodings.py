"""DICOM files in every encoding, each read to the same pixels."""

import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL, JPEGBaseline8Bit

from spinetk.errors import UnreadableInput
from spinetk.phantom import Phantom
from spinetk.readers import read
from tests.debian import needs_debian
from tests.readers.dicom_phantom import assert_the_phantom, changed, only, with_headers

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
