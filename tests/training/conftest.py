from pathlib import Path

import pytest

from spinetk.datasets.annotated import AnnotatedImage, read_dataset
from tests.make_dataset import make_dataset


@pytest.fixture
def images(tmp_path: Path) -> tuple[AnnotatedImage, ...]:
    return read_dataset(make_dataset(tmp_path / "toy", patients=3)).images
