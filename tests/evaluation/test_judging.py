from pathlib import Path

import numpy as np

from spinetk.datasets.annotated import read_dataset
from spinetk.evaluation.judging import judge
from spinetk.network.loaded import LoadedModel
from spinetk.structures import BODY_LEVELS
from tests.make_phantom_set import make_phantom_set


def test_levels_are_asked_of_the_whole_image_and_of_a_part(
    tmp_path: Path, mr_model: LoadedModel
) -> None:
    [image] = read_dataset(make_phantom_set(tmp_path / "phantoms", 1)).images
    found, columns = judge([image], mr_model)
    assert len(found) > 10 and np.median([o.dice for o in found]) > 0.85
    whole, part = columns
    named = [level for level in whole.truth if level]  # S2, where it is found, has no name
    assert named[:2] == ["S1", "L5"] and len(part.truth) < len(whole.truth)
    assert whole.evidence.shape == (len(whole.truth), len(BODY_LEVELS))
