from dataclasses import replace

import pytest

from spinetk.evaluation.precision import picked_threshold, precision_recall
from spinetk.evaluation.row_tables import frames_of
from tests.evaluation.known_rows import FOUND, RIGHT

WRONG = replace(RIGHT, box=(50.0, 50.0, 60.0, 60.0))


def test_the_threshold_with_the_best_f1_is_found() -> None:
    """A wrong proposal scores 0.6: below it precision falls, at 0.8 everything is right."""
    rows = [replace(FOUND, image=f"s/{i}") for i in range(10)]
    proposals = [replace(RIGHT, image=f"s/{i}", score=0.8 + i / 100) for i in range(10)]
    proposals += [replace(WRONG, image=f"s/{i}", score=0.6) for i in range(10)]
    frames = frames_of(rows, (), proposals, (), ())
    curve = precision_recall(frames.instances, frames.proposals)
    assert curve is not None
    assert curve.best_threshold == pytest.approx(0.8) and curve.best_f1 == pytest.approx(1)
    assert curve.average_precision == pytest.approx(1)


def test_proposals_that_nobody_can_judge_are_not_held_against_the_network() -> None:
    proposals = [RIGHT, replace(WRONG, score=0.99, known=False)]
    frames = frames_of([FOUND], (), proposals, (), ())
    curve = precision_recall(frames.instances, frames.proposals)
    assert curve is not None and curve.average_precision == pytest.approx(1)


def test_a_false_body_on_an_empty_image_lowers_the_precision() -> None:
    proposals = [RIGHT, replace(WRONG, image="s/empty", score=0.95)]
    frames = frames_of([FOUND], (), proposals, (), ())
    curve = precision_recall(frames.instances, frames.proposals)
    assert curve is not None and curve.precision[0] == 0 and curve.best_f1 == pytest.approx(2 / 3)


def test_of_equally_good_thresholds_the_lowest_is_picked() -> None:
    """With or without the last of 300 the F1 is as good; a hundred wrong ones at 0.1 end that."""
    rows = [replace(FOUND, image=f"s/{i}") for i in range(300)]
    scores = [0.3] + [0.9] * 299
    proposals = [replace(RIGHT, image=f"s/{i}", score=s) for i, s in enumerate(scores)]
    proposals += [replace(WRONG, image=f"s/{i}", score=0.1) for i in range(100)]
    frames = frames_of(rows, (), proposals, (), ())
    curve = precision_recall(frames.instances, frames.proposals)
    assert curve is not None and curve.best_threshold == pytest.approx(0.3)


def test_a_network_has_one_threshold_for_all_its_classes() -> None:
    """Bodies are right at 0.9, discs at 0.4, with a wrong disc at 0.2: both are wanted."""
    disc = {"kind": "intervertebral_disc", "image": "s/b"}
    rows = [FOUND, replace(FOUND, **disc)]
    proposals = [RIGHT, replace(RIGHT, score=0.4, **disc), replace(WRONG, score=0.2, **disc)]
    assert picked_threshold(frames_of(rows, (), proposals, (), ())) == pytest.approx(0.4)
    assert picked_threshold(frames_of(rows, (), (), (), ())) is None
