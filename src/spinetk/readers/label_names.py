"""How people call the files of labels that lie beside their images."""

from __future__ import annotations

import re
from pathlib import Path

from spinetk.readers.header_checks import file_stem

LABEL_ENDINGS = ("seg", "label", "labels", "mask", "bodies", "segmentation", "dseg", "msk", "gt")
"""Behind the image's name: case1_seg.nii.gz."""
LABEL_NAMES = (*LABEL_ENDINGS, "segmentations", "masks", "annotation", "truth")
"""Names of a case's label file in a folder of its own."""


def is_named_as_labels(path: Path) -> bool:
    """Whether a file's name says that it holds labels.

    >>> is_named_as_labels(Path("t1_seg.nii.gz")), is_named_as_labels(Path("P04/t1.nii.gz"))
    (True, False)
    """
    if path.name.lower().endswith(".seg.nrrd"):
        return True
    stem = file_stem(path).lower()
    if stem.startswith("sub-") and re.search(r"_(seg|label)-[a-z0-9]+|_desc-[a-z0-9]+$", stem):
        return True  # BIDS: sub-1_T2w_seg-manual, sub-1_T2w_label-disc; desc-preproc_T2w is none
    words = stem.replace("-", "_").split("_")
    return words[-1] in (LABEL_NAMES if len(words) == 1 else LABEL_ENDINGS)
