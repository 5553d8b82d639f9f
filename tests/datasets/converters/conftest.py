from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    gray = np.random.default_rng(0).integers(0, 255, (120, 100)).astype(np.uint8)
    cv2.imwrite(str(folder / "p7_1.png"), gray)
    return folder
