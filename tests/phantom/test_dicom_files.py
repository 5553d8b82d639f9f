from pathlib import Path

import nibabel
import numpy as np
from pydicom import dcmread

from spinetk.phantom import Phantom
from spinetk.structures import VERSE_NUMBERS


def test_the_files_are_a_series_with_its_truth(phantom_folder: Path, phantom: Phantom) -> None:
    datasets = [dcmread(path) for path in sorted((phantom_folder / "dicom").iterdir())]
    assert len(datasets) == len(phantom.volume)
    assert len({d.SeriesInstanceUID for d in datasets}) == 1
    assert len({d.SOPInstanceUID for d in datasets}) == len(datasets)
    truth = np.asarray(nibabel.load(phantom_folder / "truth.nii.gz").dataobj)  # type: ignore[attr-defined]
    bodies = set(np.unique(truth)) & set(VERSE_NUMBERS.values())
    assert VERSE_NUMBERS["S1"] in bodies and VERSE_NUMBERS["L1"] in bodies
    assert (truth > 0).sum() == (phantom.labels > 0).sum()
