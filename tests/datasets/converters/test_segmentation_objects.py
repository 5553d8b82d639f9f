import json
import shutil
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.converters.convert import convert
from spinetk.errors import SpineError
from spinetk.readers import read


def test_dicom_seg(phantom_folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "study"
    source.mkdir()
    files = sorted((phantom_folder / "dicom").rglob("*.dcm"))
    for path in files:
        (source / path.name).write_bytes(path.read_bytes())
    [series] = read(files).series
    middle = series.slices[4]
    import pydicom

    header = next(h for h in map(pydicom.dcmread, files) if h.SOPInstanceUID == middle.origin.uid)
    mask = np.zeros(middle.pixels.shape, dtype=np.uint8)
    mask[100:130, 90:150] = 1
    segment = highdicom.seg.SegmentDescription(
        1, "L3", codes.SCT.AnatomicalStructure, codes.SCT.Vertebra,
        highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
    )  # fmt: skip
    written = highdicom.seg.Segmentation(
        [header], mask[None], highdicom.seg.SegmentationTypeValues.BINARY, [segment],
        generate_uid(), 9, generate_uid(), 1, "test", "test", "1", "0",
    )  # fmt: skip
    for frame in written.PerFrameFunctionalGroupsSequence:  # many writers leave this out
        for item in frame.DerivationImageSequence[0].SourceImageSequence:
            del item.SpatialLocationsPreserved
    written.save_as(source / "seg.dcm")
    convert("dicom-seg", source, tmp_path / "out")
    [image] = read_dataset(tmp_path / "out").images
    [note] = image.instances
    assert "PHANTOM" not in image.patient.upper()  # a hash of the PatientID
    assert note.level == "L3" and image.slice_index == 4 and image.n_slices == 9
    np.testing.assert_array_equal(note.mask, mask.astype(bool))
    assert image.spacing == pytest.approx((0.7, 0.7))


def test_our_own_segmentation_of_an_axial_study_comes_back_on_its_cut(tmp_path: Path) -> None:
    """SEG on the axial images -> sagittal cut: the outlines are those of the result."""
    from spinetk.batch import segment_all
    from spinetk.batch_options import Options
    from tests.writers.test_dicom import masks_of, write_axial

    write_axial(tmp_path / "in" / "ct")
    segment_all([tmp_path / "in" / "ct"], tmp_path / "out", Options(formats=("coco", "seg")))
    [result] = [p for p in (tmp_path / "out").iterdir() if p.is_dir()]
    (result / "seg.dcm").rename(tmp_path / "in" / "seg.dcm")
    convert("dicom-seg", tmp_path / "in", tmp_path / "set")
    index = json.loads((result / "run.json").read_text())["selected_slice"]
    images = read_dataset(tmp_path / "set").images
    [one] = [image for image in images if image.instances]
    assert one.slice_index == index and one.modality == "CT"
    expected = [mask for _, mask in masks_of(result)]
    assert len(one.instances) == len(expected)
    for note, mask in zip(one.instances, expected, strict=True):
        np.testing.assert_array_equal(note.mask, mask)


def seg_of(header: "pydicom.Dataset", mask: np.ndarray, when: str) -> "pydicom.Dataset":
    segment = highdicom.seg.SegmentDescription(
        1, "L3", codes.SCT.AnatomicalStructure, codes.SCT.Vertebra,
        highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
    )  # fmt: skip
    written = highdicom.seg.Segmentation(
        [header], mask[None].astype(np.uint8), highdicom.seg.SegmentationTypeValues.BINARY,
        [segment], generate_uid(), 9, generate_uid(), 1, "test", "test", "1", "0",
    )  # fmt: skip
    written.ContentDate, written.ContentTime = "20260101", when
    return written


def test_of_two_versions_of_a_seg_the_newer_one_counts(
    phantom_folder: Path, tmp_path: Path
) -> None:
    source = tmp_path / "study"
    shutil.copytree(phantom_folder / "dicom", source)
    header = pydicom.dcmread(sorted(source.iterdir())[4])
    masks = []
    for name, right, when in (("b.dcm", 150, "100000"), ("a.dcm", 140, "120000")):
        mask = np.zeros((header.Rows, header.Columns), bool)
        mask[100:130, 90:right] = True
        masks.append(mask)
        written = seg_of(header, mask, when)
        written.save_as(source / name)
    shutil.copy(source / "a.dcm", source / "copy of a.dcm")
    done = convert("dicom-seg", source, tmp_path / "out")
    assert done.outlines == 1
    assert done.lost == {"outlines of which a newer SEG has another version": 1}
    [note] = read_dataset(tmp_path / "out").images[0].instances
    np.testing.assert_array_equal(note.mask, masks[1])


def test_a_seg_that_says_nothing_of_its_images_is_not_put_on_any_series(
    phantom_folder: Path, tmp_path: Path
) -> None:
    source = tmp_path / "study"
    source.mkdir()
    for series in (1, 2):
        uid = generate_uid()
        for path in (phantom_folder / "dicom").iterdir():
            dataset = pydicom.dcmread(path)
            dataset.SeriesInstanceUID, dataset.SeriesNumber = uid, series
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            dataset.save_as(source / f"{series}-{path.name}")
    header = pydicom.dcmread(sorted(source.iterdir())[13])
    mask = np.zeros((header.Rows, header.Columns), bool)
    mask[100:130, 90:150] = True
    written = seg_of(header, mask, "100000")
    for frame in written.PerFrameFunctionalGroupsSequence:
        del frame.DerivationImageSequence
    del written.ReferencedSeriesSequence
    written.save_as(source / "seg.dcm")
    with pytest.raises(SpineError, match=r"several series \(number 1, 2\) lie there"):
        convert("dicom-seg", source, tmp_path / "out")
