import json
from pathlib import Path

import pytest

from spinetk.datasets.converters.volume_pairs import nnunet_names, pairs, verse_pairs
from spinetk.errors import SpineError
from spinetk.structures import BODY_KIND, DISC_KIND


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("image", "labels", "name"),
    [
        ("case1.nii.gz", "case1_seg.nii.gz", "case1"),
        ("p/case1.mha", "p/case1-label.nrrd", "p_case1"),
        ("case1.nrrd", "case1.seg.nrrd", "case1"),
        ("P0003/image.nii.gz", "P0003/label.nii.gz", "P0003_image"),
        ("P0003/t2.mha", "P0003/Segmentation.seg.nrrd", "P0003_t2"),
        ("imagesTr/c1_0000.nii.gz", "labelsTr/c1.nii.gz", "c1_0000"),
        ("imagesTs/c1_0000.nii.gz", "labelsTs/c1.nii.gz", "c1_0000"),
        ("sub-1/anat/sub-1_T2w.nii.gz", "derivatives/x/sub-1/anat/sub-1_T2w_dseg.nii.gz",
         "sub-1_anat_sub-1_T2w"),
        ("sub-1/anat/sub-1_T2w.nii.gz", "derivatives/x/sub-1/anat/sub-1_seg-vert_msk.nii.gz",
         "sub-1_anat_sub-1_T2w"),
    ],
)  # fmt: skip
def test_layouts_that_people_have(tmp_path: Path, image: str, labels: str, name: str) -> None:
    folder = made(tmp_path, image, labels)
    lost: list[str] = []
    assert list(pairs(folder, lost)) == [(name, folder / image, folder / labels)]
    assert lost == []


def test_what_has_no_partner_is_told(tmp_path: Path) -> None:
    lost: list[str] = []
    assert list(pairs(made(tmp_path, "a.nii.gz", "b_seg.nii.gz"), lost)) == []
    assert lost == ["volumes without labels", "labels without a volume"]


@pytest.mark.parametrize("labels", [{"background": 0, "L3": 1, "L3-L4": 2},
                                    {"0": "background", "1": "L3", "2": "L3-L4"}])  # fmt: skip
def test_nnunets_names(tmp_path: Path, labels: dict[str, object]) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    place = tmp_path / "Dataset1" / "labelsTr" / "a.nii.gz"
    assert nnunet_names(place, tmp_path) == {1: (BODY_KIND, "L3"), 2: (DISC_KIND, "L3-L4")}
    assert nnunet_names(place, tmp_path / "Dataset1") == {}


def test_verses_images_of_one_name_are_told_apart_by_their_folder(tmp_path: Path) -> None:
    name, label = "sub-1_ct.nii.gz", "sub-1_seg-vert_msk.nii.gz"
    folder = made(tmp_path, f"rawdata/a/{name}", f"rawdata/b/{name}", f"derivatives/b/{label}")
    lost: list[str] = []
    found = [(folder / "rawdata" / "b" / name, folder / "derivatives" / "b" / label)]
    assert [(image, labels) for _, image, labels in verse_pairs(folder, lost)] == found
    assert lost == ["volumes without labels"]
    (folder / "derivatives" / "b" / label).rename(folder / "derivatives" / label)
    with pytest.raises(SpineError, match="which image is meant"):
        list(verse_pairs(folder, lost))


def test_labels_of_one_contrast_are_not_those_of_another(tmp_path: Path) -> None:
    names = ("sub-1/anat/sub-1_T1w.nii.gz", "sub-1/anat/sub-1_T2w.nii.gz")
    labels = "derivatives/labels/sub-1/anat/sub-1_T2w_dseg.nii.gz"
    manual = "derivatives/labels/sub-2/anat/sub-2_T2w_seg-manual.nii.gz"
    folder = made(tmp_path, *names, labels, "sub-2/anat/sub-2_T2w.nii.gz", manual)
    lost: list[str] = []
    found = [(image.name, own.name) for _, image, own in pairs(folder, lost)]
    assert found == [
        ("sub-1_T2w.nii.gz", "sub-1_T2w_dseg.nii.gz"),
        ("sub-2_T2w.nii.gz", "sub-2_T2w_seg-manual.nii.gz"),
    ]
    assert lost == ["volumes without labels"]


@pytest.mark.parametrize(
    ("image", "labels"),
    [
        ("batch/P1.nii.gz", "batch/P2_seg.nii.gz"),
        ("sub-1_T2w.nii.gz", "sub-1_acq-ax_T2w_dseg.nii.gz"),
    ],
)
def test_labels_of_another_case_are_not_taken(tmp_path: Path, image: str, labels: str) -> None:
    lost: list[str] = []
    assert list(pairs(made(tmp_path, image, labels), lost)) == []
    assert len(lost) == 2


def test_links_are_followed(tmp_path: Path) -> None:
    made(tmp_path / "elsewhere", "case.nii.gz", "case_seg.nii.gz")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "p1").symlink_to(tmp_path / "elsewhere")
    assert [name for name, _, _ in pairs(tmp_path / "in", [])] == ["p1_case"]


def test_labels_of_another_site_or_session_are_not_taken(tmp_path: Path) -> None:
    folder = made(
        tmp_path, "A/sub-1/anat/sub-1_T2w.nii.gz", "B/sub-1/anat/sub-1_T2w.nii.gz",
        "B/derivatives/x/sub-1/anat/sub-1_T2w_dseg.nii.gz",
    )  # fmt: skip
    lost: list[str] = []
    [(_, image, _)] = pairs(folder, lost)
    assert image.relative_to(folder).parts[0] == "B" and lost == ["volumes without labels"]


def test_verses_labels_of_another_site_are_not_taken(tmp_path: Path) -> None:
    folder = made(
        tmp_path, "A/rawdata/sub-1/sub-1_ct.nii.gz",
        "B/derivatives/sub-1/sub-1_seg-vert_msk.nii.gz",
    )  # fmt: skip
    lost: list[str] = []
    assert list(verse_pairs(folder, lost)) == []
    assert lost == ["labels without a volume", "volumes without labels"]


def test_labels_of_two_readers_are_asked_for(tmp_path: Path) -> None:
    folder = made(
        tmp_path, "sub-1/anat/sub-1_T2w.nii.gz",
        "derivatives/auto/sub-1/anat/sub-1_T2w_dseg.nii.gz",
        "derivatives/manual/sub-1/anat/sub-1_T2w_dseg.nii.gz",
    )  # fmt: skip
    with pytest.raises(SpineError, match="which labels are meant, derivatives/auto/.* or deriv"):
        list(pairs(folder, []))
