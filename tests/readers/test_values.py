import numpy as np
import pytest

from spinetk.errors import UnreadableInput
from spinetk.readers.values import SAMPLED_VALUES, Values


def taken(array: np.ndarray, depth: int = 3) -> Values:
    values = Values(array.shape)  # type: ignore[arg-type]
    for start in range(0, array.shape[2], depth):
        values.take(array[:, :, start : start + depth].astype(np.float32))
    return values


RNG = np.random.default_rng(0)
SIGNAL = RNG.integers(0, 900, (20, 30, 40))
HOUNSFIELD = RNG.integers(-1000, 1500, (20, 30, 40))
LABELS = np.where(RNG.random((20, 30, 40)) < 0.2, RNG.integers(18, 27, (20, 30, 40)), 0)


def test_label_maps_are_told_from_images() -> None:
    assert taken(LABELS).is_label_map
    assert not taken(SIGNAL).is_label_map
    assert not taken(LABELS * 0).is_label_map  # an empty one says nothing
    assert not taken(LABELS + 0.5 * (LABELS > 0)).is_label_map
    assert not taken(LABELS * 100).is_label_map  # numbers that no label map has
    assert not taken(np.maximum(LABELS, 1)).is_label_map  # hardly any background


def test_hounsfield_units_are_told_by_air_or_fat_and_bone() -> None:
    assert taken(HOUNSFIELD).looks_like_hounsfield
    assert taken(np.clip(HOUNSFIELD, -120, 900)).looks_like_hounsfield
    assert not taken(SIGNAL).looks_like_hounsfield
    assert not taken(np.clip(HOUNSFIELD, -120, 900) + 0.5).looks_like_hounsfield


def test_a_large_volume_is_judged_by_a_sample() -> None:
    large = np.tile(HOUNSFIELD, (8, 8, 8))
    assert taken(large, depth=16).looks_like_hounsfield


def test_values_that_are_not_finite_change_neither_answer() -> None:
    cropped = np.clip(HOUNSFIELD, -120, 900).astype(float)
    cropped[:4] = np.nan  # outside the field of view
    assert taken(cropped).looks_like_hounsfield
    labels = LABELS.astype(float)
    labels[0, 0, 0] = np.nan
    assert taken(labels).is_label_map


def test_a_value_too_many_makes_an_image() -> None:
    for count, is_map in ((48, True), (49, False)):
        labels = np.zeros((20, 30, 40))
        labels[0, 0, :count] = 0
        labels[:, 0, 0] = np.arange(1, 21)
        labels[:, 1, 0] = np.arange(21, 41)
        labels[: count - 40, 2, 39] = np.arange(41, count + 1)  # in the last part
        assert taken(labels).is_label_map == is_map


def test_the_sample_is_spread_over_thin_parts_too() -> None:
    values = Values((256, 256, 512))
    for _ in range(512):
        values.take(np.zeros((256, 256, 1), dtype=np.float32))
    sampled = sum(part.size for part in values._sample)
    assert SAMPLED_VALUES / 8 < sampled < SAMPLED_VALUES * 3


def test_values_that_are_not_finite_are_counted_over_all_parts() -> None:
    array = SIGNAL.astype(float) + 5
    array[3, 4, 1] = np.nan
    array[3, 4, 39] = np.inf
    incomplete = taken(array).lowest_of_incomplete("a")
    assert incomplete is not None and incomplete.value == 5
    assert incomplete.warning.text.startswith("2 pixels")
    assert taken(SIGNAL).lowest_of_incomplete("a") is None
    with pytest.raises(UnreadableInput, match="a: no pixel has a finite value"):
        taken(array * np.nan).lowest_of_incomplete("a")


def test_a_phase_image_is_no_ct() -> None:
    phase = np.random.default_rng(2).integers(-4096, 4096, HOUNSFIELD.shape).astype(np.float32)
    assert not taken(phase).looks_like_hounsfield
