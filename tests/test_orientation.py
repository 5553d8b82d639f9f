import itertools

import numpy as np
import pytest

from spinetk.orientation import Turn, upright_turn
from spinetk.study import Geometry


@pytest.mark.parametrize("flags", list(itertools.product([False, True], repeat=3)))
def test_undo_gives_back_what_apply_took(flags: tuple[bool, bool, bool]) -> None:
    array = np.arange(2 * 3 * 5).reshape(2, 3, 5)
    turn = Turn(*flags)
    assert (turn.undo(turn.apply(array)) == array).all()


@pytest.mark.parametrize("flags", list(itertools.product([False, True], repeat=3)))
def test_every_layout_of_a_sagittal_slice_comes_out_head_up_anterior_left(
    flags: tuple[bool, bool, bool],
) -> None:
    # pixel values tell the direction: they grow towards the back (1 a column) and the feet (100)
    upright = np.arange(4)[None] + 100 * np.arange(5)[:, None]
    turn = Turn(*flags)
    stored = turn.undo(upright)
    back, feet = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, -1.0])
    steps = {1: back, -1: -back, 100: feet, -100: -feet}
    geometry = Geometry(
        origin=(0, 0, 0),
        along_row=tuple(steps[int(stored[0, 1] - stored[0, 0])]),
        along_column=tuple(steps[int(stored[1, 0] - stored[0, 0])]),
        spacing=(1, 1),
    )
    directions = geometry.along_row, geometry.along_column
    assert upright_turn(directions) == turn
    assert (upright_turn(directions).apply(stored) == upright).all()
    # a box goes where its pixels go
    top, left, bottom, right = turn.box((1, 0, 3, 2), stored.shape)
    assert (turn.apply(stored)[top:bottom, left:right] == turn.apply(stored[1:3, 0:2])).all()


def test_an_oblique_slice_is_turned_by_its_nearest_axes() -> None:
    tilt = np.radians(25)
    row = (0.1, float(np.cos(tilt)), float(np.sin(tilt)))
    column = (0.05, float(np.sin(tilt)), float(-np.cos(tilt)))
    assert upright_turn((row, column)) == Turn()


def test_pictures_without_geometry_stay_as_they_are() -> None:
    assert upright_turn(None) == Turn()
