import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinetk.errors import SpineError
from spinetk.network.registry import find_model
from spinetk.results.looks import Look, write_look
from spinetk.results.write import write_result
from spinetk.server.worklist import THUMBNAIL_HEIGHT, levels_of, thumbnail, work_in
from spinetk.study import Correction, Segmentation
from spinetk.warning import Warning


def written(out: Path, result: Segmentation, key: str, **changed: object) -> None:
    series = replace(result.series, key=key)
    write_result(
        out,
        replace(result, series=series, **changed),
        find_model("mr"),
        {"slice": "auto", "score": 0.5},
    )


@pytest.fixture
def results(tmp_path: Path, phantom_result: Segmentation) -> Path:
    """One that is ok, one to check, one of the wrong network, and a corrected version."""
    written(tmp_path, phantom_result, "a", warnings=())
    written(tmp_path, phantom_result, "b", warnings=(Warning("coarse", "thick slices"),))
    film = Warning("other-modality-network", "a film")
    written(tmp_path, phantom_result, "c", warnings=(film,))
    told = Correction(of="a", who="Ann", when="2026-01-01", changes=(), note="")
    for number in (1, 2):
        key = f"a-corrected-{number}"
        written(tmp_path, phantom_result, key, warnings=(), correction=told)
    return tmp_path


def test_the_worst_come_first_and_each_in_its_latest_version(results: Path) -> None:
    items = work_in(results)
    assert [item.key for item in items] == ["c", "b", "a-corrected-2"]
    assert [item.record.verdict for item in items] == ["reject", "check", "ok"]
    assert items[-1].original == "a" and items[-1].record.correction is not None
    assert {item.levels for item in items} == {"T10-S1"}


def test_what_was_said_is_of_one_version(results: Path) -> None:
    write_look(results, Look("a", "accept", "Bob", "2026-01-01", ""))
    write_look(results, Look("b", "reject", "Bob", "2026-01-01", "kyphotic"))
    said = {item.key: item.look and item.look.decision for item in work_in(results)}
    assert said == {"c": None, "b": "reject", "a-corrected-2": None}
    assert work_in(results / "nowhere") == []


def test_a_thumbnail_is_a_small_overlay(results: Path, tmp_path: Path) -> None:
    place = tmp_path / "display" / "b.png"
    picture = cv2.imread(str(thumbnail(results / "b", place)))
    whole = cv2.imread(str(results / "b" / "overlay.png"))
    assert picture.shape[0] == THUMBNAIL_HEIGHT
    assert picture.shape[1] / picture.shape[0] == pytest.approx(
        whole.shape[1] / whole.shape[0], rel=0.02
    )
    assert np.abs(picture.mean() - whole.mean()) < 3
    (results / "b" / "overlay.png").unlink()
    with pytest.raises(SpineError, match="no overlay"):
        thumbnail(results / "b", place)


def test_a_result_without_tables_has_no_levels(results: Path) -> None:
    (results / "b" / "instances.csv").unlink()
    assert levels_of(results / "b") == ""
    shutil.rmtree(results / "c")
    assert [item.key for item in work_in(results)] == ["b", "a-corrected-2"]
