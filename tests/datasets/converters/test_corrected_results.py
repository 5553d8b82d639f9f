import hashlib
import json
import os
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK

from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.converters.convert import convert
from spinetk.errors import SpineError
from spinetk.results.looks import Look, write_look
from spinetk.structures import VERSE_NUMBERS, level_of_number


def test_results_with_a_corrected_mask(phantom_folder: Path, tmp_path: Path) -> None:
    """What segment wrote comes back as a data set; a level that was changed is the new one."""
    from spinetk.batch import segment_all
    from spinetk.batch_options import Options

    segment_all([phantom_folder / "dicom"], tmp_path / "results", Options(slices=4))
    [folder] = [p for p in (tmp_path / "results").iterdir() if p.is_dir()]
    mask = nibabel.load(folder / "mask.nii.gz")
    labels = np.asarray(mask.dataobj).copy()  # type: ignore[attr-defined]
    first = int(labels[labels > 0].min())
    expected = (labels == first)[:, :, 0].T
    new = next(n for n in VERSE_NUMBERS.values() if n not in labels)
    labels[labels == first] = new
    nibabel.save(nibabel.Nifti1Image(labels, mask.affine, mask.header), folder / "mask.nii.gz")
    done = convert("results", tmp_path / "results", tmp_path / "out")
    assert done.images == 1 and done.outlines == len(np.unique(labels)) - 1 and not done.lost
    assert done.pseudo == 0
    [image] = read_dataset(tmp_path / "out").images
    assert image.modality == "MR" and image.slice_index == 4 and image.n_slices == 9
    patient = pydicom.dcmread(folder / "seg.dcm").PatientID
    assert image.patient == hashlib.sha256(patient.encode()).hexdigest()[:12]
    assert image.spacing == pytest.approx((0.7, 0.7))
    [changed] = [a for a in image.instances if a.level == level_of_number(new)]
    np.testing.assert_array_equal(changed.mask, expected)
    # a result of the same study whose DICOM files are missing or damaged is of the same patient
    for ending in ("2", "3"):
        other = folder.with_name(f"{folder.name}-corrected-{ending}")
        shutil.copytree(folder, other)
        (other / "sr.dcm").unlink()
        (other / "seg.dcm").write_bytes(b"no DICOM")
    convert("results", tmp_path / "results", tmp_path / "three")
    three = read_dataset(tmp_path / "three").images
    assert len(three) == 3 and {one.patient for one in three} == {image.patient}


def test_a_program_that_numbers_segments_anew_makes_no_levels(
    phantom_folder: Path, tmp_path: Path
) -> None:
    """As 3D Slicer saves our mask: its own numbers, and names that say ours or somebody's."""
    from spinetk.batch import segment_all
    from spinetk.batch_options import Options

    segment_all([phantom_folder / "dicom"], tmp_path / "results", Options(slices=4))
    [folder] = [p for p in (tmp_path / "results").iterdir() if p.is_dir()]
    mask = SimpleITK.ReadImage(str(folder / "mask.nii.gz"))
    labels = SimpleITK.GetArrayFromImage(mask)
    ours = sorted(int(value) for value in np.unique(labels) if value)
    anew = np.zeros_like(labels)
    for number, value in enumerate(ours, start=1):
        anew[labels == value] = number
    (folder / "mask.nii.gz").unlink()
    image = SimpleITK.GetImageFromArray(anew)
    image.CopyInformation(mask)
    for number, value in enumerate(ours, start=1):
        name = "lesion" if number == 1 else f"Segment_{value}"
        image.SetMetaData(f"Segment{number - 1}_Name", name)
        image.SetMetaData(f"Segment{number - 1}_LabelValue", str(number))
    SimpleITK.WriteImage(image, str(folder / "Segmentation.seg.nrrd"))
    done = convert("results", tmp_path / "results", tmp_path / "out")
    assert done.lost == {"labels numbered 1 (lesion), which is no body or disc here": 1}
    [found] = read_dataset(tmp_path / "out").images
    names = {note.level for note in found.instances}
    assert done.outlines == len(ours) - 1
    assert names == {note for value in ours[1:] if (note := level_of_number(value, names))}


def copied(result: Path, place: Path) -> Path:
    """Under the key of its folder's name."""
    shutil.copytree(result, place)
    record = json.loads((place / "run.json").read_text()) | {"key": place.name}
    (place / "run.json").write_text(json.dumps(record))
    return place


def test_results_of_one_key_in_two_folders_are_of_two_patients(
    own_result: Path, tmp_path: Path
) -> None:
    for site in ("siteA", "siteB"):
        place = copied(own_result, tmp_path / "in" / site / "001")
        for name in ("seg.dcm", "sr.dcm"):
            if (place / name).exists():
                header = pydicom.dcmread(place / name)
                header.PatientID = site
                header.save_as(place / name)
    convert("results", tmp_path / "in", tmp_path / "out")
    images = read_dataset(tmp_path / "out").images
    assert len(images) == 2 and len({image.patient for image in images}) == 2
    assert len({image.series for image in images}) == 2


def test_a_corrected_mask_beside_ours_is_taken_or_asked_for(
    own_result: Path, tmp_path: Path
) -> None:
    place = copied(own_result, tmp_path / "in" / "001")
    own = nibabel.load(place / "mask.nii.gz")
    labels = np.asarray(own.dataobj).copy()
    gone = int(labels[labels > 0].min())
    labels[labels == gone] = 0
    nibabel.save(nibabel.Nifti1Image(labels, own.affine, own.header), place / "mask_new.nii.gz")
    for ours, theirs, right in ((100, 200, True), (200, 100, False)):
        os.utime(place / "mask.nii.gz", (ours, ours))
        os.utime(place / "mask_new.nii.gz", (theirs, theirs))
        done = convert("results", tmp_path / "in", tmp_path / f"out{ours}")
        assert done.outlines == len(np.unique(labels)) - 1 + (not right)
    os.utime(place / "mask_new.nii.gz", (200, 200.5))  # a copied folder
    with pytest.raises(SpineError, match="mask.nii.gz and mask_new.nii.gz are of one time"):
        convert("results", tmp_path / "in", tmp_path / "copied")


def test_only_what_a_person_saw_is_a_persons_label(own_result: Path, tmp_path: Path) -> None:
    """Edited and corrected results; untouched ones, be they accepted, are pseudo-labels, rejected
    and older ones are left out."""
    out = tmp_path / "in"
    for key in ("untouched", "edited", "accepted", "rejected", "replaced"):
        copied(own_result, out / key)
    mask = nibabel.load(out / "edited" / "mask.nii.gz")
    labels = np.asarray(mask.dataobj).copy()
    labels[labels == labels.max()] = 0
    nibabel.save(
        nibabel.Nifti1Image(labels, mask.affine, mask.header), out / "edited" / "mask.nii.gz"
    )
    newer = copied(own_result, out / "replaced-corrected-1")
    correction = {"of": "replaced", "who": "a", "when": "2026", "changes": [], "note": ""}
    record = json.loads((newer / "run.json").read_text()) | {"correction": correction}
    (newer / "run.json").write_text(json.dumps(record))
    for key, decision in (("accepted", "accept"), ("rejected", "reject"), ("untouched", "")):
        write_look(out, Look(key, decision, "Ann", "2026-01-01T10:00:00", ""))  # type: ignore[arg-type]
    done = convert("results", out, tmp_path / "out")
    assert done.lost == {"results with a later version": 1, "results that a person rejected": 1}
    assert done.pseudo == 2
    images = read_dataset(tmp_path / "out").images
    assert {image.series: image.pseudo for image in images} == {
        "untouched": True, "edited": False, "accepted": True, "replaced-corrected-1": False,
    }  # fmt: skip


@pytest.mark.parametrize("left", [("instances.csv", "instances.coco.json"), ("instances.csv",), ()])
def test_a_correction_is_told_by_what_the_result_says_of_itself(
    left: tuple[str, ...], own_result: Path, tmp_path: Path
) -> None:
    for name in {"instances.csv", "instances.coco.json"} - set(left):
        (own_result / name).unlink()
    out = tmp_path / "in"
    copied(own_result, out / "untouched")
    place = copied(own_result, out / "edited")
    mask = nibabel.load(place / "mask.nii.gz")
    labels = np.asarray(mask.dataobj).copy()
    if len(left) == 2:  # moved by a pixel: every area is the same
        labels = np.roll(labels, 1, axis=0)
    else:
        labels[labels == labels.max()] = 0
    nibabel.save(nibabel.Nifti1Image(labels, mask.affine, mask.header), place / "mask.nii.gz")
    done = convert("results", out, tmp_path / "out")
    told = [why for why in done.lost if "by which to tell" in why]
    assert done.pseudo == (1 if left else 2) and bool(told) == (not left)
