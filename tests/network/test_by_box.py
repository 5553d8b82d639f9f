"""A box around a body or a disc is outlined as if the network had found it."""

import numpy as np

from spinetk.boxes import dice
from spinetk.network.by_box import looked_at, outline_in_box
from spinetk.network.loaded import LoadedModel
from spinetk.orientation import upright
from spinetk.study import Segmentation


def test_loose_boxes_give_the_outlines_that_the_network_found(
    phantom_result: Segmentation, mr_model: LoadedModel
) -> None:
    view = upright(phantom_result.slice)
    looked = looked_at(view, mr_model, "MR")
    whole = [
        i
        for i in phantom_result.instances
        if not i.truncated
        and i.kind in ("vertebral_body", "intervertebral_disc")
        and i.level != "S1"
    ]
    assert len(whole) > 10
    for instance in whole:
        mask = view.turn.apply(instance.mask)
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = (columns[0] - 2.0, rows[0] - 1.5, columns[-1] + 3.0, rows[-1] + 2.0)
        found = outline_in_box(looked, mr_model, box, instance.kind)
        assert found is not None and dice(found, mask) > 0.85, instance.level


def test_a_class_that_the_network_does_not_know_has_no_outline(
    phantom_result: Segmentation, mr_model: LoadedModel
) -> None:
    looked = looked_at(upright(phantom_result.slice), mr_model, "MR")
    assert outline_in_box(looked, mr_model, (10, 10, 40, 40), "rib") is None
