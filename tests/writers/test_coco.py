import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from spinetk.study import Segmentation
from spinetk.writers.coco import coco_content, write_coco


def test_pycocotools_reads_the_masks_and_agrees(
    phantom_result: Segmentation, tmp_path: Path
) -> None:
    write_coco(tmp_path / "a.json", phantom_result)
    content = json.loads((tmp_path / "a.json").read_text())
    assert [c["name"] for c in content["categories"]] == ["vertebral_body", "intervertebral_disc"]
    for note, instance in zip(content["annotations"], phantom_result.instances, strict=True):
        mask = coco_mask.decode(note["segmentation"]).astype(bool)
        assert (mask == instance.mask).all() and note["area"] == mask.sum()
        np.testing.assert_allclose(coco_mask.toBbox(note["segmentation"]), note["bbox"])
        assert (
            note["level"] == instance.level
            and note["slice_index"] == content["images"][0]["slice_index"]
        )


def test_other_classes_are_numbered_as_they_occur(phantom_result: Segmentation) -> None:
    first, second, *_ = phantom_result.instances
    other = replace(
        phantom_result, instances=(replace(first, kind="rod"), replace(second, kind="cage"))
    )
    content = coco_content(other)
    assert [c["name"] for c in content["categories"]] == ["rod", "cage"]
    assert [a["category_id"] for a in content["annotations"]] == [1, 2]
