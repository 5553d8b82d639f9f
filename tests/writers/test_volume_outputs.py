import csv
from pathlib import Path

import highdicom
import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK

from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.phantom import Phantom
from spinetk.structures import VERSE_NUMBERS


@pytest.fixture(scope="module")
def out(phantom_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The phantom's nine slices, segmented one by one; the folder of the volume."""
    folder = tmp_path_factory.mktemp("all")
    outcome = segment_all([phantom_folder / "dicom"], folder, Options(slices="all"))
    assert not outcome.failed and not outcome.told
    [volume] = folder.glob("*-3d")
    return volume


def in_patient(path: Path, label: int) -> set[tuple[int, ...]]:
    """Where the voxels of a label lie, in tenths of a millimetre (RAS)."""
    image = nibabel.load(path)
    places = np.argwhere(np.asarray(image.dataobj) == label)
    points = nibabel.affines.apply_affine(image.affine, places)
    return {tuple(p) for p in np.round(10 * points).astype(int).tolist()}


def test_bodies_lie_where_the_truth_lies_through_all_slices(
    out: Path, phantom_folder: Path
) -> None:
    rows = {row["level"]: row for row in csv.DictReader((out / "volumes.csv").open())}
    for level in ("T12", "L1", "L2", "L3", "L4", "L5"):
        label = VERSE_NUMBERS[level]
        found = in_patient(out / "mask3d.nii.gz", label)
        wanted = in_patient(phantom_folder / "truth.nii.gz", label)
        assert 2 * len(found & wanted) / (len(found) + len(wanted)) > 0.9, level
        assert int(rows[level]["volume_voxels"]) == len(found)
        voxel = 0.7 * 0.7 * 4.0
        assert float(rows[level]["volume_mm3"]) == pytest.approx(len(found) * voxel)


def test_itk_reads_the_volume(out: Path, phantom: Phantom) -> None:
    image = SimpleITK.ReadImage(str(out / "mask3d.nii.gz"))
    assert image.GetSize() == (*phantom.volume.shape[:0:-1], len(phantom.volume))
    assert image.GetSpacing() == pytest.approx((0.7, 0.7, 4.0))


def test_one_segmentation_has_a_segment_for_each_structure_on_all_its_slices(out: Path) -> None:
    rows = list(csv.DictReader((out / "volumes.csv").open()))
    seg = highdicom.seg.segread(out / "seg3d.dcm")
    assert seg.number_of_segments == len(rows)
    counts = dict.fromkeys(seg.segment_numbers, 0)
    pixels = dict.fromkeys(seg.segment_numbers, 0)
    for group, frame in zip(seg.PerFrameFunctionalGroupsSequence, seg.pixel_array, strict=True):
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        counts[number] += 1
        pixels[number] += int(frame.sum())
    for number, row in enumerate(rows, start=1):
        assert pixels[number] == int(row["volume_voxels"])
        assert counts[number] == int(row["slices"])
        if row["level"]:
            assert seg.get_segment_description(number).segment_label == row["level"]


def test_what_is_no_volume_of_ours_is_not_replaced(out: Path, phantom_folder: Path) -> None:
    (out / "volumes.csv").rename(out / "renamed.csv")
    try:
        options = Options(slices="all", overwrite=True, formats=("csv",))
        outcome = segment_all([phantom_folder / "dicom"], out.parent, options)
        assert [reason for key, reason in outcome.failed if key == out.name] == [
            "is in the way and not a result of SpineTK"
        ]
    finally:
        (out / "renamed.csv").rename(out / "volumes.csv")


def test_slices_that_are_shifted_sideways_have_their_volume_and_no_grid(
    out: Path, phantom_folder: Path, tmp_path: Path
) -> None:
    """Each 3 mm further back: 4 mm apart all the same."""
    (tmp_path / "in").mkdir()
    for path in (phantom_folder / "dicom").iterdir():
        image = pydicom.dcmread(path)
        place = [float(v) for v in image.ImagePositionPatient]
        place[1] += 3 * place[0] / 4
        image.ImagePositionPatient = [f"{v:.6f}" for v in place]
        image.save_as(tmp_path / "in" / path.name)
    outcome = segment_all([tmp_path / "in"], tmp_path / "out", Options(slices="all"))
    assert not outcome.failed
    [shifted] = (tmp_path / "out").glob("*-3d")
    assert not (shifted / "mask3d.nii.gz").exists()
    assert "shifted sideways" in (shifted / "volume.json").read_text()
    volumes = [
        {row["level"]: float(row["volume_mm3"]) for row in csv.DictReader(path.open())}
        for path in (out / "volumes.csv", shifted / "volumes.csv")
    ]
    for level in ("L2", "L3", "L4"):
        assert volumes[1][level] == pytest.approx(volumes[0][level], rel=0.02)
