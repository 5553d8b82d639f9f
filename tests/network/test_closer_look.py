from pathlib import Path

import numpy as np

from spinetk.boxes import dice
from spinetk.network.closer_look import SMALL_PIXELS, _widths, closer_look
from spinetk.network.loaded import LoadedModel, prepared
from spinetk.orientation import Upright, upright
from spinetk.phantom import Phantom
from spinetk.pipeline import outline
from spinetk.structures import BODY_KIND, VERSE_NUMBERS
from spinetk.study import Slice

MIDDLE = 4


def slice_of(phantom: Phantom, border: int = 0) -> Upright:
    """The middle slice without geometry, in a frame of air."""
    pixels = np.pad(phantom.volume[MIDDLE].astype(np.float32), border)
    return upright(Slice(pixels, 0, None, None, Path()))


def test_small_bodies_are_looked_at_again_at_a_larger_scale(
    phantom: Phantom, mr_model: LoadedModel
) -> None:
    view = slice_of(phantom, border=250)
    first = mr_model.detector.find_boxes(prepared(view, mr_model, "MR"))
    assert np.median(_widths(first, mr_model, 0.5)) < SMALL_PIXELS
    again = closer_look(view, mr_model, "MR", first, 0.5)
    assert again.fit.scale[0] > 1.3 * first.fit.scale[0]
    assert np.median(_widths(again, mr_model, 0.5)) > SMALL_PIXELS
    # and the outlines are where the phantom's bodies are
    truth = np.pad(phantom.labels[MIDDLE], 250)
    bodies = [truth == number for number in VERSE_NUMBERS.values() if (truth == number).sum() > 200]
    found = [i.mask for i in outline(view, mr_model, 0.5, "MR") if i.kind == BODY_KIND]
    assert sum(max(dice(body, mask) for mask in found) > 0.85 for body in bodies) >= 6


def test_bodies_of_the_usual_size_are_looked_at_once(
    phantom: Phantom, mr_model: LoadedModel
) -> None:
    view = slice_of(phantom)
    first = mr_model.detector.find_boxes(prepared(view, mr_model, "MR"))
    assert closer_look(view, mr_model, "MR", first, 0.5) is first


def test_too_few_bodies_say_nothing(phantom: Phantom, mr_model: LoadedModel) -> None:
    view = slice_of(phantom, border=250)
    first = mr_model.detector.find_boxes(prepared(view, mr_model, "MR"))
    assert closer_look(view, mr_model, "MR", first, 1.1) is first
