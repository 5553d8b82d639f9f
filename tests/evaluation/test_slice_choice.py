from pathlib import Path

import pytest

from spinetk.datasets.annotated import read_dataset
from spinetk.evaluation import slice_choice
from spinetk.evaluation.slice_choice import compare_selection
from spinetk.network.loaded import LoadedModel
from spinetk.study import SliceCount
from tests.make_dataset import make_dataset


def test_the_choice_is_held_against_the_fullest_labelled_slice(
    tmp_path: Path, mr_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = list(read_dataset(make_dataset(tmp_path / "toy", patients=2, slices=5)).images)

    def detect(slices, *_):  # type: ignore[no-untyped-def]
        return [SliceCount(s.index, 3 if s.index == 1 else 2, 0, 100.0) for s in slices], {}

    monkeypatch.setattr(slice_choice, "detect", detect)
    monkeypatch.setattr(slice_choice, "select_slice", lambda trace: 1)
    results = compare_selection(images, mr_model, 0.5)
    assert len(results) == 2 and all(r.selected == 1 and r.n_slices == 5 for r in results)
    assert all(0.5 < r.area_share <= 1 and r.as_good >= 1 for r in results)
    assert compare_selection(images[:-1], mr_model, 0.5) == results[:1]  # a slice is missing
    single = list(read_dataset(make_dataset(tmp_path / "one", patients=2)).images)
    assert compare_selection(single, mr_model, 0.5) == []
