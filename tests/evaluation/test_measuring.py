"""Annotations and finds are measured as results are."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinetk.boxes import mask_box
from spinetk.datasets.annotated import AnnotatedImage, Annotation, read_dataset
from spinetk.evaluation.compare import as_slice
from spinetk.evaluation.measuring import (
    angle_results,
    as_instances,
    by_reference,
    matched_bodies,
    measured_on,
    sizes_of,
)
from spinetk.evaluation.rows import SIZES
from spinetk.measures.alignment import Angle
from spinetk.study import Instance
from tests.make_dataset import make_dataset


@pytest.fixture
def image(tmp_path: Path) -> AnnotatedImage:
    return read_dataset(make_dataset(tmp_path / "toy", patients=1)).images[0]


def test_annotations_are_ordered_from_below_in_their_kind(image: AnnotatedImage) -> None:
    bodies = [i for i in as_instances(image) if i.kind == "vertebral_body"]
    assert {i.level: i.order for i in bodies} == {"L5": 1, "L4": 2, "L3": 3}


def test_sizes_are_those_of_the_table_of_measurements(image: AnnotatedImage) -> None:
    instances = as_instances(image)
    rows, _ = measured_on(image, as_slice(image), instances)
    for row, instance in zip(rows, instances, strict=True):
        sizes = dict(zip(SIZES, sizes_of(row, in_mm=False), strict=True))
        assert sizes["area"] == instance.mask.sum()
        if instance.level == "L4":
            assert sizes["height_middle"] == row["height_middle_px"] == pytest.approx(20, rel=0.02)
            assert sizes["wedge_ratio"] == pytest.approx(1, abs=0.02)
        if instance.level == "L4-L5":
            assert math.isnan(sizes["wedge_ratio"])


def test_a_frontal_film_has_a_cobb_angle_and_no_front(image: AnnotatedImage) -> None:
    film = replace(image, modality="XR", view="ap")
    rows, angles = measured_on(film, as_slice(film), as_instances(film))
    assert [angle.name for angle in angles] == ["cobb"]
    assert all(row["wedge_ratio"] is None for row in rows)


def test_what_is_found_is_measured_under_the_references_name(image: AnnotatedImage) -> None:
    names = ["T1", image.instances[0].level, "S1"]
    found = [replace(i, level=n) for i, n in zip(as_instances(image), names, strict=False)]
    matched: dict[int, Annotation] = {id(found[0]): image.instances[0]}
    # one that nobody annotated stays what it is, S1 above all: it is measured by one plate
    levels = [i.level for i in by_reference(found, matched)]
    assert levels == [image.instances[0].level, None, "S1"]


def test_bodies_that_nobody_annotated_are_in_no_angle(image: AnnotatedImage) -> None:
    mask = np.ones((10, 10), bool)
    extra = Instance("vertebral_body", mask, mask_box(mask), 0.9, order=2)
    found = [i for i in as_instances(image) if i.kind == "vertebral_body"]
    found = [replace(i, order=o) for i, o in zip(found, (1, 3, 4), strict=True)]
    matched = {id(i): note for i, note in zip(found, image.instances, strict=False)}
    assert [i.order for i in matched_bodies([*found, extra], matched)] == [1, 2, 3]


def test_angles_are_held_against_each_other_by_name(image: AnnotatedImage) -> None:
    reference = [Angle("lordosis", "L1", "L5", 40.0), Angle("kyphosis", "T4", "T12", 30.0)]
    found = [Angle("lordosis", "L1", "L5", 42.5), Angle("lordosis", "L1", "S1", 50.0)]
    row, missing = angle_results(image, reference, found)
    assert (row.name, row.reference, row.found) == ("lordosis L1-L5", 40.0, 42.5)
    assert missing.name == "kyphosis T4-T12" and np.isnan(missing.found)
    [cobb] = angle_results(image, [Angle("cobb", "T5", "T12", 20)], [Angle("cobb", "T6", "L1", 24)])
    assert (cobb.name, cobb.found) == ("cobb", 24)
