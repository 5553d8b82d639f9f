from pathlib import Path

import pytest

from spinetk.readers.label_names import is_named_as_labels


@pytest.mark.parametrize(
    "name",
    ["t1_seg.nii.gz", "case-mask.mha", "label.nii", "Segmentation.seg.nrrd", "truth.nii.gz",
     "sub-1_T2w_seg-manual.nii.gz", "sub-1_T2w_dseg.nii.gz", "sub-1_T2w_desc-manual.nii.gz"],
)  # fmt: skip
def test_names_of_labels(name: str) -> None:
    assert is_named_as_labels(Path("P04") / name)


@pytest.mark.parametrize(
    "name",
    [
        "t1.nii.gz",
        "sub-1_T2w.nii.gz",
        "segment1.png",
        "truth_t2.nii",
        "sub-1_desc-preproc_T2w.nii.gz",
    ],
)
def test_names_of_images(name: str) -> None:
    assert not is_named_as_labels(Path("labels") / name)
