"""Shared inputs: the phantom (exact truth), tptbox's real crops, the shared data where it lies."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from spinetk.batch import FEWEST_FOR_WORKERS
from spinetk.network.loaded import LoadedModel, load_model
from spinetk.phantom import Phantom, PhantomConfig, make_phantom, write_phantom
from spinetk.pipeline import segment
from spinetk.readers import find, read
from spinetk.results.write import write_result
from spinetk.study import Segmentation
from spinetk.writers.formats import FORMATS

# a shell that starts the suite in the background has it ignore Ctrl+C, and so would the programs
# that tests start and end with it
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).parents[2] / "shared" / "data"
Painter = Callable[..., NDArray[np.bool_]]


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    """T2 look, nine slices."""
    return make_phantom(PhantomConfig(slices=9))


@pytest.fixture(scope="session")
def phantom_folder(phantom: Phantom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The phantom as `dicom/` and `truth.nii.gz`."""
    folder = tmp_path_factory.mktemp("phantom")
    write_phantom(phantom, folder)
    return folder


@pytest.fixture(scope="session")
def mr_model() -> LoadedModel:
    return load_model("mr")


@pytest.fixture(scope="session")
def phantom_result(phantom_folder: Path, mr_model: LoadedModel) -> Segmentation:
    """The phantom's DICOM series, segmented."""
    return segment(read(phantom_folder / "dicom").series[0], mr_model)


@pytest.fixture(scope="session")
def written(
    phantom_result: Segmentation, mr_model: LoadedModel, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of that result, in every format."""
    out = tmp_path_factory.mktemp("written")
    record = write_result(
        out, phantom_result, mr_model.model, {"slice": "auto", "score": 0.5}, FORMATS
    )
    return out / record.key


@pytest.fixture
def own_result(written: Path, tmp_path: Path) -> Path:
    """A copy of that folder, to be changed; beside it there is nothing."""
    return Path(shutil.copytree(written, tmp_path / "results" / written.name))


@pytest.fixture(scope="session")
def real_crops() -> Path:
    """Folder with the small real MR and CT crops that the package tptbox ships."""
    return Path(str(resources.files("TPTBox"))) / "tests"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The shared annotated data; tests that need it are skipped where it is not."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the shared data in {SHARED.name}/ beside the project")
    return SHARED


@pytest.fixture
def block() -> Painter:
    """block(height, width, top, left, bottom, right): a mask with one rectangle."""

    def paint(
        height: int, width: int, top: int, left: int, bottom: int, right: int
    ) -> NDArray[np.bool_]:
        mask = np.zeros((height, width), dtype=bool)
        mask[top:bottom, left:right] = True
        return mask

    return paint


@pytest.fixture(scope="session")
def pictures(phantom_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More pictures than a single process takes on, and one file that is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    [found] = find([phantom_folder / "dicom"]).series
    series, _ = found.load()
    assert series is not None
    for number in range(FEWEST_FOR_WORKERS):
        pixels = series.slices[3 + number % 3].pixels
        cv2.imwrite(str(folder / f"p{number}.png"), (pixels / pixels.max() * 255).astype(np.uint8))
    (folder / "p9.png").write_bytes(b"no picture")
    return folder
