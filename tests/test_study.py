import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from spinetk.errors import SpineError, UnreadableInput, Unsuitable
from spinetk.study import Geometry, Refusal, Segmentation, Slice


def test_the_affine_leads_from_indices_to_millimetres() -> None:
    geometry = Geometry((10, 20, 30), (0, 1, 0), (0, 0, -1), (0.8, 0.5), thickness=4.0)
    assert geometry.plane == "sagittal"
    column, row, across = 7, 3, 2
    place = geometry.affine @ (column, row, across, 1)
    np.testing.assert_allclose(place[:3], (10 - 2 * 4.0, 20 + 7 * 0.5, 30 - 3 * 0.8))
    np.testing.assert_allclose(geometry.affine_ras[:2], -geometry.affine[:2])


def test_what_is_seen_may_differ_from_what_is_measured() -> None:
    raw, shown = np.zeros((4, 4), np.float32), np.ones((4, 4), np.float32)
    assert Slice(raw, 0, None, None, Path()).visible is raw
    assert Slice(raw, 0, None, None, Path(), shown=shown).visible is shown


def test_an_unsuitable_file_is_a_failure_only_where_it_was_named() -> None:
    assert not Refusal.of("a", Unsuitable("is a label map", "a")).failed
    assert Refusal.of("a", Unsuitable("is a label map", "a"), named=True).failed
    damaged = Refusal.of("a", UnreadableInput("is damaged", "a"))
    assert damaged.failed and damaged.reason == "is damaged"
    assert Refusal.of("a", SpineError("is damaged", "b")).reason == "b: is damaged"


def _shown(result: Segmentation) -> tuple[int, float]:
    return result.slice_index, float(result.slice.pixels.sum())


def test_a_result_goes_to_another_process_and_back(phantom_result: Segmentation) -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(_shown, phantom_result).result() == _shown(phantom_result)
    again = pickle.loads(pickle.dumps(phantom_result))
    assert [i.level for i in again.instances] == [i.level for i in phantom_result.instances]
