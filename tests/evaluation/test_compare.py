from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinetk.boxes import mask_box
from spinetk.datasets.annotated import AnnotatedImage, read_dataset
from spinetk.evaluation import compare
from spinetk.evaluation.row_tables import frames_of
from spinetk.evaluation.tables import data_set_table
from spinetk.network.loaded import LoadedModel
from spinetk.study import Instance
from tests.make_dataset import make_dataset

KINDS = ("", "vertebral_body", "intervertebral_disc")


def truth_as_found(image: AnnotatedImage) -> list[Instance]:
    return [Instance(KINDS[a.category], a.mask, mask_box(a.mask), 0.9) for a in image.instances]


def figures(
    image: AnnotatedImage,
    found: list[Instance],
    model: LoadedModel,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[dict[str, dict[str, float]], int]:
    monkeypatch.setattr(compare, "candidates", lambda *_: found)
    monkeypatch.setattr(compare, "resolve", lambda given, _: given)
    result = compare.compare_image(image, model, 0.5)
    table = data_set_table(frames_of(result.instances, result.false_positives, (), (), ()))
    rows = table[table["slices"] == "all"].set_index("kind").to_dict("index")
    return rows, len(result.false_positives)


@pytest.fixture
def image(tmp_path: Path) -> AnnotatedImage:
    return read_dataset(make_dataset(tmp_path / "toy", patients=1)).images[0]


def test_a_perfect_result_scores_perfectly(
    image: AnnotatedImage, mr_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, false = figures(image, truth_as_found(image), mr_model, monkeypatch)
    for row in rows.values():
        assert row["detected_percent"] == 100 and row["dice"] == 1
    assert false == 0


def test_the_same_mask_has_the_same_sizes_in_pixels_or_millimetres(
    image: AnnotatedImage, mr_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "candidates", lambda *_: truth_as_found(image))
    monkeypatch.setattr(compare, "resolve", lambda given, _: given)
    rows = compare.compare_image(replace(image, spacing=None), mr_model, 0.5).instances
    wide = compare.compare_image(replace(image, spacing=(0.5, 0.5)), mr_model, 0.5).instances
    bodies = [(row, other) for row, other in zip(rows, wide, strict=True)
              if row.kind == "vertebral_body"]  # fmt: skip
    assert len(bodies) == 3
    for row, other in bodies:
        assert row.reference_sizes == row.found_sizes and not row.in_mm and other.in_mm
        assert row.reference_sizes[:5] == pytest.approx([20, 20, 20, 30, 600], rel=0.01)
        assert other.reference_sizes[:5] == pytest.approx([10, 10, 10, 15, 150], rel=0.01)


def test_missed_bodies_lower_detection_and_count_as_zero(
    image: AnnotatedImage, mr_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = truth_as_found(image)
    bodies = [i for i in found if i.kind == "vertebral_body"]
    found = [i for i in found if not any(i is gone for gone in bodies[:2])]
    rows, _ = figures(image, found, mr_model, monkeypatch)
    assert rows["vertebral_body"]["detected_percent"] == pytest.approx(100 / 3)
    assert rows["vertebral_body"]["dice"] == 1  # of those detected
    assert rows["vertebral_body"]["dice_all"] == 0
    assert rows["intervertebral_disc"]["detected_percent"] == 100


def test_a_shifted_mask_is_found_but_below_the_overlap(
    image: AnnotatedImage, mr_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    shifted = [
        replace(i, mask=np.roll(i.mask, 8, 1), box=mask_box(np.roll(i.mask, 8, 1)))
        for i in truth_as_found(image)
    ]
    rows, _ = figures(image, shifted, mr_model, monkeypatch)
    body = rows["vertebral_body"]
    assert body["detected_percent"] == 0 and body["dice_all"] == pytest.approx(22 / 30)


def test_extra_instances_count_as_false_only_where_everything_is_labelled(
    tmp_path: Path, mr_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, below = (np.zeros((120, 100), dtype=bool) for _ in range(2))
    beside[30:50, 2:20] = True  # far from the column: false anywhere
    below[100:118, 40:65] = True  # below the lowest instance: S1 may lie there
    extra = [Instance("vertebral_body", m, mask_box(m), 0.9) for m in (beside, below)]
    complete = read_dataset(make_dataset(tmp_path / "a", bodies=2)).images[0]
    _, false = figures(complete, truth_as_found(complete) + extra, mr_model, monkeypatch)
    assert false == 1


def test_structures_other_than_the_spine_are_evaluated_under_their_own_names(
    image: AnnotatedImage, mr_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(image, classes=("rib", "sternum"))
    names = dict(zip(KINDS[1:], other.classes, strict=True))
    found = [replace(i, kind=names[i.kind]) for i in truth_as_found(image)]
    rows, false = figures(other, found, mr_model, monkeypatch)
    assert rows.keys() == {"rib", "sternum"} and false == 0
    assert all(row["detected_percent"] == 100 for row in rows.values())
