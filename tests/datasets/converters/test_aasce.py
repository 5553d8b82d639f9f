import os
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.converters import aasce as aasce_module
from spinetk.datasets.converters.convert import convert
from spinetk.errors import SpineError


def test_aasce_corners_and_its_rule_for_loose_ones(tmp_path: Path) -> None:
    root = tmp_path / "boostnet"
    for part in ("data/training", "labels/training"):
        (root / part).mkdir(parents=True)
    quads = np.zeros((17, 4, 2))
    for i in range(17):
        top, left = 20 + 50 * i, 200
        quads[i] = [(left, top), (left + 60, top), (left, top + 40), (left + 60, top + 40)]
    crossed, apart = quads.copy(), quads.copy()
    crossed[4, 0] = (250, 259)  # a corner inside: not convex
    apart[9:, :, 1] += 120  # a gap of several bodies
    case = "sunhl-1th-03-Jan-2017-162 a ap"
    for name, points in ((case, quads), ("crossed", crossed), ("apart", apart)):
        cv2.imwrite(str(root / "data/training" / f"{name}.jpg"), np.zeros((1024, 480), np.uint8))
        savemat(root / "labels/training" / f"{name}.jpg.mat", {"p2": points.reshape(68, 2)})
    done = convert("aasce", root, tmp_path / "out")
    assert (done.images, done.outlines) == (1, 17) and done.lost == {"films with loose corners": 2}
    [image] = read_dataset(tmp_path / "out").images
    assert image.modality == "XR" and image.patient == "162"
    assert [a.level for a in image.instances][::16] == ["T1", "L5"]
    left, top, right, bottom = image.instances[0].box
    assert (right - left, bottom - top) == pytest.approx((60, 40), abs=1)


def test_a_file_that_ends_its_reader_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    savemat(tmp_path / "a.jpg.mat", {"p2": np.zeros((68, 2))})
    monkeypatch.setattr(aasce_module, "_points", die)
    with pytest.raises(SpineError, match="a.jpg.mat: is damaged"):
        convert("aasce", tmp_path, tmp_path / "out")


def die(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
