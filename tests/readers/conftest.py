from pathlib import Path

import pydicom
import pytest

from spinetk.phantom import Phantom, PhantomConfig, make_phantom, write_phantom


@pytest.fixture(scope="module")
def small() -> Phantom:
    return make_phantom(PhantomConfig(look="T1", slices=3, samples=1, height=160, width=128))


@pytest.fixture(scope="module")
def study(small: Phantom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    write_phantom(small, folder)
    return folder / "dicom"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> pydicom.FileDataset:
    folder = tmp_path_factory.mktemp("film")
    config = PhantomConfig(look="XR", samples=1, height=200, width=160, slices=3)
    write_phantom(make_phantom(config), folder)
    return pydicom.dcmread(next((folder / "dicom").iterdir()))
