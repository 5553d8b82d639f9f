from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from highdicom.seg import SegmentationTypeValues
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

from spinetk.datasets.converters.seg_frames import read_segments
from spinetk.errors import SpineError
from spinetk.phantom import Phantom
from spinetk.readers.dicom_headers import Header, read_headers
from spinetk.structures import BODY_KIND
from tests.make_dicom import write_enhanced_mr

SHAPE = (448, 384)


def described(number: int, label: str, kind: Code) -> highdicom.seg.SegmentDescription:
    return highdicom.seg.SegmentDescription(
        number, label, codes.SCT.AnatomicalStructure, kind,
        highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
    )  # fmt: skip


def write_seg(
    path: Path,
    sources: list[pydicom.Dataset],
    pixels: NDArray[np.uint8],
    names: list[tuple[str, Code]],
    kind: SegmentationTypeValues = SegmentationTypeValues.BINARY,
) -> Path:
    segments = [described(n, label, code) for n, (label, code) in enumerate(names, start=1)]
    highdicom.seg.Segmentation(
        sources, pixels, kind, segments, generate_uid(), 9, generate_uid(), 1, "t", "t", "1", "0"
    ).save_as(path)
    return path


@pytest.fixture(scope="module")
def files(phantom_folder: Path) -> list[Path]:
    return sorted((phantom_folder / "dicom").iterdir())


@pytest.fixture(scope="module")
def headers(files: list[Path]) -> list[Header]:
    return [read_headers(path)[0] for path in files]


def block(top: int, left: int) -> NDArray[np.uint8]:
    mask = np.zeros(SHAPE, np.uint8)
    mask[top : top + 30, left : left + 50] = 1
    return mask


def test_a_frame_of_a_multi_frame_file_is_that_frame_alone(
    phantom: Phantom, tmp_path: Path
) -> None:
    source = write_enhanced_mr(tmp_path, phantom)
    frames = read_headers(source)
    pixels = np.zeros((len(frames), *SHAPE), np.uint8)
    pixels[1] = block(100, 90)
    path = write_seg(tmp_path / "seg.dcm", [pydicom.dcmread(source)], pixels,
                     [("L3", codes.SCT.L3Vertebra)])  # fmt: skip
    [segment] = read_segments(path, frames)
    assert segment.label == (BODY_KIND, "L3")
    [(key, mask)] = segment.images.items()
    assert key == (frames[1].frame.uid, 2)
    np.testing.assert_array_equal(mask, pixels[1] > 0)


def test_label_maps_and_segments_that_overlap_are_read(
    files: list[Path], headers: list[Header], tmp_path: Path
) -> None:
    sources = [pydicom.dcmread(files[4])]
    names = [("L3", codes.SCT.L3Vertebra), ("L4", codes.SCT.L4Vertebra)]
    labels = block(100, 90) + 2 * block(150, 90)
    path = write_seg(tmp_path / "map.dcm", sources, labels[None], names,
                     SegmentationTypeValues.LABELMAP)  # fmt: skip
    overlapping = np.stack([block(100, 90), block(120, 90)], axis=-1)[None]
    other = write_seg(tmp_path / "both.dcm", sources, overlapping, names)
    key = (headers[4].frame.uid, None)
    for seg, wanted in ((path, np.stack([labels == 1, labels == 2])),
                        (other, np.moveaxis(overlapping[0], -1, 0))):  # fmt: skip
        found = read_segments(seg, headers)
        for segment, mask in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(segment.images[key], mask > 0)


def test_a_frame_stored_mirrored_lies_where_it_says(
    files: list[Path], headers: list[Header], tmp_path: Path
) -> None:
    mask = block(100, 90)
    path = write_seg(tmp_path / "seg.dcm", [pydicom.dcmread(files[4])], mask[None],
                     [("L3", codes.SCT.L3Vertebra)])  # fmt: skip
    seg = pydicom.dcmread(path)
    geometry = headers[4].geometry
    assert geometry is not None
    # rows from below, as programs that think in RAS store them
    last = np.array(geometry.origin) + np.array(geometry.along_column) * geometry.spacing[0] * 447
    shared, [frame] = seg.SharedFunctionalGroupsSequence[0], seg.PerFrameFunctionalGroupsSequence
    for holder in (shared, frame):
        if "PlaneOrientationSequence" in holder:
            turned = [*geometry.along_row, *(-v for v in geometry.along_column)]
            holder.PlaneOrientationSequence[0].ImageOrientationPatient = turned
        if "PlanePositionSequence" in holder:
            holder.PlanePositionSequence[0].ImagePositionPatient = last.tolist()
    seg.PixelData = np.packbits(mask[::-1].ravel(), bitorder="little").tobytes()
    del frame.DerivationImageSequence  # nor do they refer to an image
    seg.save_as(path)
    [segment] = read_segments(path, headers)
    np.testing.assert_array_equal(segment.images[headers[4].frame.uid, None], mask > 0)


def test_a_frame_beside_the_image_that_it_refers_to_is_refused(
    files: list[Path], headers: list[Header], tmp_path: Path
) -> None:
    path = write_seg(tmp_path / "seg.dcm", [pydicom.dcmread(files[4])], block(100, 90)[None],
                     [("L3", codes.SCT.L3Vertebra)])  # fmt: skip
    seg = pydicom.dcmread(path)
    for holder in (seg.SharedFunctionalGroupsSequence[0], seg.PerFrameFunctionalGroupsSequence[0]):
        if "PlanePositionSequence" in holder:
            position = holder.PlanePositionSequence[0].ImagePositionPatient
            holder.PlanePositionSequence[0].ImagePositionPatient = [v + 0.35 for v in position]
    seg.save_as(path)
    with pytest.raises(SpineError, match="not on the grid"):
        read_segments(path, headers)
    (tmp_path / "bad.dcm").write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(SpineError, match="no SEG that can be read"):
        read_segments(tmp_path / "bad.dcm", headers)
