from pathlib import Path

import numpy as np
import pytest

from spinetk.stored_images import key_of, on_frames, onto_slice
from spinetk.study import Cut, Frame, Slice

FRAMES = tuple(Frame(Path("ct.dcm"), f"1.2.{k}") for k in range(4))


def slice_of(origin: Frame | Cut | None, height: int = 4, width: int = 6) -> Slice:
    pixels = np.zeros((height, width), dtype=np.float32)
    return Slice(pixels, 0, None, None, Path("ct.dcm"), origin=origin)


def test_a_slice_that_is_an_image_is_that_image() -> None:
    labels = np.zeros((4, 6), dtype=int)
    assert on_frames(slice_of(FRAMES[0]), labels)[0] == ()
    labels[1, 2] = 7
    frames, images = on_frames(slice_of(FRAMES[0]), labels)
    assert frames == FRAMES[:1] and (images[0] == labels).all()
    back = onto_slice(slice_of(FRAMES[0]), {("1.2.0", None): labels > 0})
    assert back is not None and (back == (labels > 0)).all()
    assert onto_slice(slice_of(FRAMES[0]), {("9", None): labels > 0}) is None


def test_a_cut_is_a_line_of_every_image_and_comes_back() -> None:
    """Row i of the slice is column 2 of frame i, shifted by its own number of pixels."""
    cut = Cut(FRAMES, "rows", "columns", place=2, shifts=(0, 1, 2, 3), frame_shape=(3, 5))
    rng = np.random.default_rng(0)
    labels = np.zeros((4, 6), dtype=int)
    for row, shift in enumerate(cut.shifts):
        labels[row, shift : shift + 3] = rng.integers(1, 9, 3)
    frames, images = on_frames(slice_of(cut), labels)
    assert frames == FRAMES and images.shape == (4, 3, 5)
    for row, shift in enumerate(cut.shifts):
        assert (images[row, :, 2] == labels[row, shift : shift + 3]).all()
    assert (images[:, :, [0, 1, 3, 4]] == 0).all()
    masks = {key_of(frame): image > 0 for frame, image in zip(frames, images, strict=True)}
    back = onto_slice(slice_of(cut), masks)
    assert back is not None and (back == (labels > 0)).all()


def test_masks_of_another_size_and_slices_from_elsewhere_are_refused() -> None:
    with pytest.raises(ValueError, match="against"):
        onto_slice(slice_of(FRAMES[0]), {("1.2.0", None): np.zeros((9, 9), dtype=bool)})
    with pytest.raises(ValueError, match="stored DICOM"):
        on_frames(slice_of(None), np.zeros((4, 6)))
    assert onto_slice(slice_of(None), {}) is None
