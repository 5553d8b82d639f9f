import pytest

pytest.importorskip("torch", reason="needs the train extra")

from dataclasses import replace
from pathlib import Path

import numpy as np

from spinetk.datasets.annotated import AnnotatedImage, read_dataset
from spinetk.errors import SpineError
from spinetk.network.fitting import scale_to_fit
from spinetk.training.augmentation import Sample, augment
from spinetk.training.config import TrainingConfig
from spinetk.training.samples import SampleSource, boxes_of
from tests.make_dataset import make_dataset
from tests.training.small_samples import STILL

CONFIG = TrainingConfig(batch_size=2, input_size=192)


@pytest.fixture
def source(tmp_path: Path) -> SampleSource:
    return SampleSource(read_dataset(make_dataset(tmp_path / "toy", patients=4)).images, CONFIG)


def test_a_batch_depends_only_on_seed_and_iteration(source: SampleSource) -> None:
    first, _ = source.batch(7)
    source.batch(8)
    again, _ = source.batch(7)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, source.batch(8)[0])


def test_boxes_masks_and_labels_belong_together(source: SampleSource) -> None:
    for iteration in range(10):
        _, targets = source.batch(iteration)
        for target in targets:
            masks = target["masks"].numpy()
            assert len(masks) == len(target["labels"]) == len(target["boxes"])
            np.testing.assert_array_equal(boxes_of(masks), target["boxes"].numpy())
            assert (masks.reshape(len(masks), -1).sum(1) >= 16).all()


def test_a_patient_with_many_slices_counts_no_more_than_one_with_a_single_slice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_dataset(tmp_path / "toy", patients=2, slices=9)
    images = read_dataset(folder).images
    some = [i for i in images if i.patient.endswith("0")] + [images[-1]]
    source = SampleSource(some, TrainingConfig(batch_size=1, input_size=64))
    drawn: list[str] = []
    real = SampleSource.sample

    def noted(self: SampleSource, image: AnnotatedImage) -> Sample:
        drawn.append(image.patient)
        return real(self, image)

    monkeypatch.setattr(SampleSource, "sample", noted)
    for iteration in range(200):
        source.batch(iteration)
    assert 70 < drawn.count("toy-0001") < 130


def test_no_annotation_at_all_is_an_error(tmp_path: Path) -> None:
    images = read_dataset(make_dataset(tmp_path / "bare", labelled=())).images
    with pytest.raises(SpineError, match="no image with an annotation"):
        SampleSource(images, CONFIG)


def test_training_sees_pixels_that_are_not_square_as_inference_does() -> None:
    """A body 30 x 40 mm in pixels of 3 x 1 mm has that shape in the sample, too."""
    pixels = np.zeros((80, 200), dtype=np.float32)
    pixels[30:40, 80:120] = 1
    masks = (pixels > 0.5).astype(np.uint8)[None]
    sample = Sample(
        pixels, masks, np.array([1]), np.zeros((80, 200), np.uint8), "MR",
        scale_to_fit((80, 200), (3.0, 1.0), 192), np.array([20]),
    )  # fmt: skip
    still = replace(STILL, rotation_degrees=0, scale=(1, 1), stretch=(1, 1), shear_degrees=0,
                    p_flip_horizontal=0, p_flip_vertical=0)  # fmt: skip
    [mask] = augment(sample, 192, still, np.random.default_rng(0)).masks
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    assert len(rows) == pytest.approx(30 * 192 / 240, abs=2)
    assert len(columns) == pytest.approx(40 * 192 / 240, abs=2)
