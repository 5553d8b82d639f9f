import numpy as np
import pytest
from pycocotools import mask as coco

from spinetk.rle import decode_rle, encode_rle


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_pycocotools_both_ways(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((rng.integers(1, 90), rng.integers(1, 90))) < rng.random()
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert encode_rle(mask)["counts"] == theirs["counts"].decode()
    assert (decode_rle(theirs) == mask).all()


def test_plain_counts_are_read() -> None:
    assert decode_rle({"size": [2, 3], "counts": [1, 2, 3]}).tolist() == [
        [False, True, False],
        [True, False, False],
    ]


def test_runs_that_do_not_fill_the_image_are_refused() -> None:
    with pytest.raises(ValueError, match="add up to 4, not to 2 x 3"):
        decode_rle({"size": [2, 3], "counts": [1, 3]})


def test_a_run_length_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="too many digits"):
        decode_rle({"size": [4, 4], "counts": "o" * 100_000})
