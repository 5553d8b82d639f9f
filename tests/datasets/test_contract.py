"""Types of `annotations.json`, wrong one at a time."""

import copy
from pathlib import Path
from typing import Any

import pytest

from spinetk.datasets.contract import SetContent
from spinetk.datasets.fields import validated
from spinetk.errors import SpineError

RIGHT: dict[str, Any] = {
    "categories": [{"id": 1, "name": "vertebral_body"}],
    "images": [{"id": 1, "file_name": "a.png", "patient_id": 7, "series_id": "s", "slice_index": 0,
                "n_slices": 1, "modality": "MR", "labelled_categories": [1], "exhaustive": True,
                "pixel_spacing_mm": [0.5, 0.7]}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "level": "L4",
                     "segmentation": {"size": [4, 4], "counts": "4848"}, "more": "is let through"}],
}  # fmt: skip


def test_numbers_may_be_names_and_missing_ones_have_their_documented_value() -> None:
    image = validated(SetContent, RIGHT, Path("a")).images[0]
    assert image.patient_id == "7" and not image.pseudo_labels


@pytest.mark.parametrize(
    ("part", "field", "value", "told"),
    [
        ("images", "patient_id", None, "a.png: patient_id: "),
        ("images", "slice_index", -1, "a.png: slice_index: "),
        ("images", "slice_index", 10**40, "a.png: slice_index: "),
        ("images", "n_slices", 0.5, "a.png: n_slices: "),
        ("images", "pixel_spacing_mm", [0.5], "a.png: pixel_spacing_mm.1: Field required"),
        ("images", "pixel_spacing_mm", [0.5, 0], "a.png: pixel_spacing_mm.1: "),
        ("images", "pixel_spacing_mm", [1e308, 1], "a.png: pixel_spacing_mm.0: "),
        ("images", "pixel_spacing_mm", [float("inf"), 1], "a.png: pixel_spacing_mm.0: "),
        ("images", "exhaustive", 1, "a.png: exhaustive: "),
        ("images", "labelled_categories", 1, "a.png: labelled_categories: "),
        ("annotations", "tags", [None], "annotations.0.tags.0: "),
        ("annotations", "segmentation", [[1, 2, 3, 4]], "masks must be run-length coded"),
        ("categories", "name", "", "categories.0.name: "),
    ],
)
def test_a_wrong_type_is_named_with_its_place(
    part: str, field: str, value: object, told: str
) -> None:
    wrong = copy.deepcopy(RIGHT)
    wrong[part][0][field] = value
    with pytest.raises(SpineError, match=told) as caught:
        validated(SetContent, wrong, Path("a"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, [], 1, "x", {}, {"images": [None]}])
def test_what_is_no_data_set_at_all_is_refused(content: object) -> None:
    with pytest.raises(SpineError, match="more faults|the whole"):
        validated(SetContent, content, Path("a"))
