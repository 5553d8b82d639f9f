from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from spinetk.boxes import dice, mask_box
from spinetk.errors import UsageError
from spinetk.orientation import upright
from spinetk.server.box_outlines import BoxOutlines
from spinetk.study import Segmentation


@pytest.fixture(scope="module")
def review(phantom_result: Segmentation) -> Any:
    record = SimpleNamespace(series_key="a", input_sha256="b")
    return SimpleNamespace(result=phantom_result, record=record, view=upright(phantom_result.slice))


def test_a_drawn_box_is_outlined_whichever_corner_comes_first(
    review: Any, phantom_result: Segmentation
) -> None:
    body = next(i for i in phantom_result.instances if i.level == "L3")
    mask = review.view.turn.apply(body.mask)
    x0, y0, x1, y1 = mask_box(mask)
    boxes = BoxOutlines()
    one = boxes.outline(review, "vertebral_body", [(x0 - 2, y0 - 2), (x1 + 2, y1 + 2)])
    other = boxes.outline(review, "vertebral_body", [(x1 + 2, y0 - 2), (x0 - 2, y1 + 2)])
    assert dice(one, mask) > 0.9 and np.array_equal(one, other)


def test_a_box_of_no_size_is_refused(review: Any) -> None:
    with pytest.raises(UsageError, match="draw a box"):
        BoxOutlines().outline(review, "vertebral_body", [(10, 10), (10, 40)])
