from dataclasses import replace

import matplotlib.pyplot as plt
import pytest

from spinetk.evaluation.figures import all_figures
from spinetk.evaluation.row_tables import frames_of
from spinetk.evaluation.rows import SliceResult
from tests.evaluation.known_rows import FOUND, RIGHT


def test_every_figure_is_drawn_where_there_is_something_to_show() -> None:
    rows = [replace(FOUND, image=f"s/{k}", dice=0.9 + k / 100) for k in range(6)]
    proposals = [replace(RIGHT, image=f"s/{k}", score=0.5 + k / 20) for k in range(6)]
    slices = [SliceResult(f"t{k}", "s", "p", 15, 7, 7 + k, True, 0.9, 1) for k in range(3)]
    drawn = dict(all_figures(frames_of(rows, (), proposals, slices, ())))
    assert {"dice", "precision_recall", "selection", "bland_altman", "bland_altman_sizes"} <= set(
        drawn
    )
    for figure in drawn.values():
        assert figure.axes and any(axis.has_data() for axis in figure.axes)
        plt.close(figure)


@pytest.mark.parametrize("rows", [[], [FOUND]])
def test_nothing_to_show_is_no_error(rows: list) -> None:
    for _, figure in all_figures(frames_of(rows, (), (), (), ())):
        plt.close(figure)
