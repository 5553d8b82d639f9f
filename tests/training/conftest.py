from pathlib import Path
from typing import Any

import pytest

from spinetk.datasets.annotated import AnnotatedImage, read_dataset
from tests.make_dataset import make_dataset


@pytest.fixture
def images(tmp_path: Path) -> tuple[AnnotatedImage, ...]:
    return read_dataset(make_dataset(tmp_path / "toy", patients=3)).images


@pytest.fixture(scope="session")
def untrained() -> Any:
    """A network in training mode, with ImageNet's backbone."""
    import torch

    from spinetk.training.config import NetworkConfig
    from spinetk.training.network import SpineRCNN

    torch.manual_seed(0)
    return SpineRCNN(NetworkConfig()).train()
