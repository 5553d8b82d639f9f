from dataclasses import replace

import pytest

from spinetk.network.loaded import LoadedModel, model_for, prepared
from spinetk.orientation import upright
from spinetk.study import Modality, Segmentation


@pytest.mark.parametrize(
    ("said", "file", "name", "warned"),
    [
        (None, "CT", "ct", False),
        ("XR", "CT", "xr", False),
        (None, None, "mr", True),
        ("MR", None, "mr", False),
    ],
)
def test_the_network_goes_by_what_the_user_says_then_by_what_the_file_says(
    said: Modality | None, file: Modality | None, name: str, warned: bool,
    phantom_result: Segmentation,
) -> None:  # fmt: skip
    series = replace(phantom_result.series, modality=file, warnings=())
    chosen, taken = model_for(series, said)
    assert chosen == name and taken.modality == (said or file or "MR")
    assert ([w.code for w in taken.warnings] == ["modality-assumed"]) == warned


def test_the_input_is_in_multiples_of_32(
    mr_model: LoadedModel, phantom_result: Segmentation
) -> None:
    given = prepared(upright(phantom_result.slice), mr_model, "MR")
    assert given.image.shape[2] % 32 == 0 and given.image.shape[3] % 32 == 0
    assert max(given.image.shape[2:]) == mr_model.model.input_side("MR")
