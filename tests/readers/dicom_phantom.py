"""What a phantom is as DICOM, changed and read again."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from spinetk.phantom import Phantom
from spinetk.readers import read
from spinetk.study import Series


def only(path: Path) -> Series:
    [series] = read(path).series
    return series


def assert_the_phantom(series: Series, phantom: Phantom, within: float = 0.51) -> None:
    by_place = {g.origin[0]: v for g, v in zip(phantom.geometries, phantom.volume, strict=True)}
    assert len(series.slices) == len(phantom.volume)
    for one in series.slices:
        assert one.geometry is not None
        expected = by_place[min(by_place, key=lambda x: abs(x - one.geometry.origin[0]))]
        assert np.abs(one.pixels - expected).max() <= within


def changed(film: pydicom.FileDataset, **values: object) -> pydicom.FileDataset:
    out = copy.deepcopy(film)
    for name, value in values.items():
        setattr(out, name, value)
    return out


def with_headers(study: Path, out: Path, change: Callable[[Dataset, int], None]) -> Path:
    """The study with its headers changed."""
    out.mkdir(exist_ok=True)
    for number, path in enumerate(sorted(study.iterdir())):
        dataset = pydicom.dcmread(path)
        change(dataset, number)
        dataset.save_as(out / path.name)
    return out
