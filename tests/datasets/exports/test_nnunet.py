import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.exports.nnunet import export_nnunet
from spinetk.datasets.writer import DatasetWriter
from spinetk.errors import UsageError
from tests.conftest import Painter

BODY, DISC = "vertebral_body", "intervertebral_disc"
PICTURE = np.arange(60 * 50, dtype=np.uint8).reshape(60, 50)


def made(folder: Path, block: Painter) -> Path:
    """Two slices of one patient, one of another, and one that is not annotated exhaustively."""
    writer = DatasetWriter(folder, {})
    masks = [
        ((BODY, "L4"), block(60, 50, 5, 5, 20, 25)),
        ((DISC, None), block(60, 50, 20, 5, 26, 25)),
    ]
    for name, patient in (("a 1", "p1"), ("a_1", "p1"), ("b", "p2")):
        writer.add(name, PICTURE, masks, patient=patient, modality="MR", exhaustive=True,
                   spacing=(0.8, 0.7))  # fmt: skip
    writer.add("c", PICTURE, masks, patient="p3", modality="MR")
    writer.close()
    return folder


def test_masks_pixels_and_millimetres_are_the_data_sets(tmp_path: Path, block: Painter) -> None:
    data = read_dataset(made(tmp_path / "set", block))
    out = tmp_path / "Dataset501_Spine"
    counts = export_nnunet(data, out)
    assert counts == {"images": 3, "not annotated, or not exhaustively": 1}
    description = json.loads((out / "dataset.json").read_text())
    assert description["labels"] == {"background": 0, BODY: 1, DISC: 2}
    assert description["numTraining"] == 3 == len(list((out / "labelsTr").iterdir()))
    for path in (out / "labelsTr").iterdir():
        labels = nibabel.load(path)
        image = nibabel.load(out / "imagesTr" / path.name.replace(".nii.gz", "_0000.nii.gz"))
        assert np.array_equal(image.affine, labels.affine)
        assert image.header.get_zooms()[:2] == pytest.approx((0.7, 0.8))
        assert np.array_equal(np.asarray(image.dataobj)[..., 0].T, PICTURE)
        values = np.asarray(labels.dataobj)[..., 0].T
        for note in data.images[0].instances:
            assert np.array_equal(values == note.category, note.mask)


def test_no_patient_is_on_both_sides_of_a_split(tmp_path: Path, block: Painter) -> None:
    out = tmp_path / "out"
    export_nnunet(read_dataset(made(tmp_path / "set", block)), out)
    splits = json.loads((out / "splits_final.json").read_text())
    assert len(splits) == 2
    for split in splits:
        assert sorted(split["train"] + split["val"]) == ["a-1", "a-1-again-2", "b"]
        assert {"b"} in (set(split["train"]), set(split["val"]))


def test_what_would_teach_wrongly_is_refused(tmp_path: Path, block: Painter) -> None:
    writer = DatasetWriter(tmp_path / "set", {})
    mask = block(60, 50, 5, 5, 20, 25)
    writer.add("a", PICTURE, [((BODY, "L4"), mask)], patient="p", modality="MR")
    writer.close()
    with pytest.raises(UsageError, match="no class is annotated exhaustively"):
        export_nnunet(read_dataset(tmp_path / "set"), tmp_path / "out")
    with pytest.raises(UsageError, match="is not empty"):
        export_nnunet(read_dataset(tmp_path / "set"), tmp_path / "set")
