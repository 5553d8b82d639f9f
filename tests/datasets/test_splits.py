from dataclasses import replace
from pathlib import Path

from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.splits import patient_folds, split_by_patient
from tests.make_dataset import make_dataset


def test_no_patient_crosses_and_none_is_lost(tmp_path: Path) -> None:
    many = read_dataset(make_dataset(tmp_path / "many", patients=13, slices=3)).images
    single = read_dataset(make_dataset(tmp_path / "one", patients=1)).images
    folds = patient_folds([*many, *single], 5)
    everyone = {image.patient for image in (*many, *single)}
    assert sum(len(fold) for fold in folds) == len(everyone) == 14
    assert frozenset[str]().union(*folds) == everyone
    assert max(map(len, folds)) - min(map(len, folds)) <= 1


def test_folds_do_not_depend_on_the_order_of_the_images(tmp_path: Path) -> None:
    images = read_dataset(make_dataset(tmp_path / "toy", patients=9, slices=2)).images
    assert patient_folds(images, 4) == patient_folds(images[::-1], 4)


def test_each_set_is_spread_over_the_folds(tmp_path: Path) -> None:
    a = read_dataset(make_dataset(tmp_path / "a", patients=5)).images
    b = read_dataset(make_dataset(tmp_path / "b", patients=5)).images
    for fold in patient_folds([*a, *b], 5):
        assert {name.rpartition("-")[0] for name in fold} == {"a", "b"}


def test_labels_made_by_a_network_are_tested_on_in_no_fold(tmp_path: Path) -> None:
    images = read_dataset(make_dataset(tmp_path / "toy", patients=4)).images
    images = (*images[:3], replace(images[3], pseudo=True))
    assert images[3].patient not in frozenset[str]().union(*patient_folds(images, 2))


def test_a_patient_of_two_sets_is_in_one_fold_and_takes_its_other_pictures_along(
    tmp_path: Path,
) -> None:
    """The CT and the MR of one person, and a copy that a network labelled."""
    mr = read_dataset(make_dataset(tmp_path / "mr", patients=4)).images
    ct = [replace(image, dataset="ct") for image in mr[:2]]
    copies = [replace(image, dataset="copies", pseudo=True) for image in mr]
    images = [*mr, *ct, *copies]
    folds = patient_folds(images, 2)
    assert [sum(image.patient in fold for fold in folds) for image in images] == [1] * len(images)
    training, test = split_by_patient(images, folds[0])
    assert not {i.patient for i in training} & {i.patient for i in test}
    assert {i.dataset for i in test} >= {"mr", "copies"}
