import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinetk.datasets.annotated import class_number, network_classes, read_dataset
from spinetk.datasets.splits import split_by_patient, validation_patients
from spinetk.errors import SpineError
from spinetk.structures import SACRAL_CLASS, SPINE_CLASSES
from tests.make_dataset import make_dataset


def test_reads_images_annotations_and_what_is_labelled(tmp_path: Path) -> None:
    one = read_dataset(make_dataset(tmp_path / "toy", patients=2))
    assert one.name == "toy" and one.classes == SPINE_CLASSES
    image = one.images[0]
    assert image.pixels.dtype == np.uint8 and image.pixels.shape == (120, 100)
    assert image.labelled_categories == (1, 2) and image.exhaustive
    body = next(a for a in image.instances if a.category == 1)
    left, top, right, bottom = (int(v) for v in body.box)
    assert body.mask[top:bottom, left:right].all() and body.mask.sum() == (bottom - top) * (
        right - left
    )


def test_held_out_patients_are_the_same_again_and_no_patient_is_on_both_sides(
    tmp_path: Path,
) -> None:
    images = read_dataset(make_dataset(tmp_path / "toy", patients=20)).images
    held_out = validation_patients(images, 0.25)
    assert len(held_out) == 5 and held_out == validation_patients(images[::-1], 0.25)
    inside, outside = split_by_patient(images, held_out)
    assert not {i.patient for i in inside} & {i.patient for i in outside}
    assert len(inside) + len(outside) == len(images)


def test_adding_a_data_set_moves_no_patient_of_another(tmp_path: Path) -> None:
    first = read_dataset(make_dataset(tmp_path / "a", patients=10)).images
    second = read_dataset(make_dataset(tmp_path / "b", patients=10)).images
    alone = validation_patients(first)
    assert {p for p in validation_patients([*first, *second]) if p.startswith("a")} == alone


def test_patients_of_two_sets_are_held_out_of_both(tmp_path: Path) -> None:
    """Sets that share a patient count as one: a fifth of all, the same in both."""
    first = read_dataset(make_dataset(tmp_path / "a", patients=10)).images
    second = [replace(image, dataset="b") for image in first[5:]]
    chosen = validation_patients([*first, *second])
    assert len(chosen) == 2
    training, held_out = split_by_patient([*first, *second], chosen)
    assert not {i.patient for i in training} & {i.patient for i in held_out}


def test_s1_becomes_a_class_of_the_network_where_a_set_names_it(tmp_path: Path) -> None:
    plain = read_dataset(make_dataset(tmp_path / "plain"))
    named = read_dataset(make_dataset(tmp_path / "named", lowest_level="S1"))
    assert network_classes([plain]) == SPINE_CLASSES
    classes = network_classes([plain, named])
    assert classes == (*SPINE_CLASSES, SACRAL_CLASS)
    numbers = {a.level: class_number(a, classes) for a in named.images[0].instances}
    assert numbers["S1"] == 3 and numbers["L5"] == 1 and numbers["L5-S1"] == 2


def test_sets_of_different_categories_are_not_mixed(tmp_path: Path) -> None:
    spine = read_dataset(make_dataset(tmp_path / "spine"))
    folder = make_dataset(tmp_path / "other")
    content = json.loads((folder / "annotations.json").read_text())
    content["categories"][0]["name"] = "rib"
    (folder / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(SpineError, match="same categories"):
        network_classes([spine, read_dataset(folder)])


def test_what_is_wrong_with_a_folder_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SpineError, match="no annotations.json here"):
        read_dataset(tmp_path)
    (tmp_path / "annotations.json").write_text("{")
    with pytest.raises(SpineError, match="not valid JSON"):
        read_dataset(tmp_path)
    (tmp_path / "annotations.json").write_text(
        '{"categories": [{"id": 1, "name": "a"}], "images": []}'
    )
    with pytest.raises(SpineError, match="annotations: Field required$"):
        read_dataset(tmp_path)


def test_a_picture_that_is_gone_later_is_named(tmp_path: Path) -> None:
    image = read_dataset(make_dataset(tmp_path / "toy")).images[0]
    image.path.unlink()
    with pytest.raises(SpineError, match=image.path.name):
        _ = image.pixels
