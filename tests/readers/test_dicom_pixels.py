from pathlib import Path

import numpy as np

from spinetk.errors import UnreadableInput
from spinetk.phantom import Phantom
from spinetk.readers.dicom_headers import read_headers
from spinetk.readers.dicom_pixels import decode, decode_file, decode_run
from tests.make_dicom import write_enhanced_mr


def test_values_are_those_of_the_phantom(phantom_folder: Path, phantom: Phantom) -> None:
    places = np.array([geometry.origin for geometry in phantom.geometries])
    headers = [read_headers(path)[0] for path in (phantom_folder / "dicom").iterdir()]
    for header, image in decode(headers):
        assert isinstance(image, np.ndarray) and image.dtype == np.float32
        assert header.geometry is not None
        here = np.linalg.norm(places - header.geometry.origin, axis=1).argmin()
        np.testing.assert_allclose(image, phantom.volume[here], atol=1)


def test_frames_of_a_file_come_one_by_one_and_in_the_order_asked_for(
    phantom: Phantom, tmp_path: Path
) -> None:
    headers = read_headers(write_enhanced_mr(tmp_path, phantom))
    straight = [image for _, image in decode(headers)]
    turned = [image for _, image in decode(headers[::-1])]
    assert len(straight) == len(headers)
    for image, other in zip(straight, turned[::-1], strict=True):
        np.testing.assert_array_equal(image, other)
    # a film's modality LUT stands in the file's own header, and this file has none there
    run = [image for _, image, _ in decode_run(headers[:3])]
    for image, other in zip(run, straight[:3], strict=True):
        assert isinstance(other, np.ndarray)
        np.testing.assert_allclose(image * 0.5 - 100, other)


def test_damaged_pixels_are_a_reason_and_no_exception(phantom_folder: Path, tmp_path: Path) -> None:
    path = min((phantom_folder / "dicom").iterdir())
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(path.read_bytes()[:-5000])
    [header] = read_headers(cut)
    [(same, image)] = decode([header])
    assert same is header and isinstance(image, UnreadableInput)
    whole, dataset = decode_file(read_headers(path)[0])
    assert whole.shape == (dataset.Rows, dataset.Columns)
