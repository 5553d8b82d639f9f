import numpy as np

from spinetk.column import above_sacrum, beside_column, in_column, without_second_sacral


def column(count: int, step: float = 60, lean: float = 5.0) -> np.ndarray:
    """Boxes of 44 x 40 pixels one below the other."""
    left = 200 + lean * np.arange(count)
    top = 10 + step * np.arange(count)
    return np.stack([left, top, left + 44, top + 40], axis=1).astype(float)


def test_a_curved_column_is_whole_with_a_cut_off_body_and_a_missing_one() -> None:
    boxes = np.delete(column(9), 4, axis=0)
    boxes[0, 1] += 22  # cut off at the top: half as high
    assert in_column(boxes, np.ones(len(boxes))).all()


def test_kidney_and_bowel_beside_the_column_are_strays() -> None:
    strays = np.array([[40, 200, 120, 300], [60, 330, 96, 366], [350, 90, 380, 120.0]])
    boxes = np.concatenate([strays, column(6)])
    assert in_column(boxes, np.ones(9)).tolist() == [False] * 3 + [True] * 6


def test_scattered_boxes_make_no_long_column() -> None:
    rng = np.random.default_rng(0)
    longest = 0
    for _ in range(50):
        corner = rng.uniform(0, 450, (8, 2))
        size = rng.uniform(15, 90, (8, 2))
        boxes = np.concatenate([corner, corner + size], axis=1)
        longest = max(longest, int(in_column(boxes, np.ones(8)).sum()))
    assert longest <= 6


def test_of_equal_columns_the_better_scored_is_taken() -> None:
    far = column(3) + np.array([250, 0, 250, 0])
    members = in_column(np.concatenate([far, column(3)]), np.array([0.6] * 3 + [0.9] * 3))
    assert members.tolist() == [False] * 3 + [True] * 3


def test_the_sacrum_leans_most_and_still_belongs() -> None:
    boxes = np.concatenate([column(4), [[262, 235, 310, 275.0]]])
    assert in_column(boxes, np.ones(5)).all()


def test_nothing_and_one() -> None:
    assert in_column(np.zeros((0, 4)), np.zeros(0)).shape == (0,)
    assert in_column(column(1), np.ones(1)).tolist() == [True]


def test_discs_belong_where_a_body_is_near() -> None:
    bodies = column(3)
    discs = np.array([[205, 52, 248, 68], [40, 52, 84, 68.0]])
    assert beside_column(discs, bodies).tolist() == [True, False]
    assert beside_column(discs, np.zeros((0, 4))).all()


def test_below_a_trusted_s1_nothing_is_a_body() -> None:
    boxes = np.array([[0, 30 * k, 40, 30 * k + 25] for k in range(6)], dtype=float)
    sacral = np.array([0, 0, 0, 0, 1, 0], dtype=bool)
    assert above_sacrum(boxes, sacral).tolist() == [True] * 5 + [False]
    # an S1 with fewer bodies above it is not trusted, and without one nothing changes
    assert above_sacrum(boxes, np.roll(sacral, -2)).all()
    assert above_sacrum(boxes, np.zeros(6, dtype=bool)).all()
    assert above_sacrum(np.zeros((0, 4)), np.zeros(0, dtype=bool)).size == 0


def test_a_small_s1_below_an_s1_is_s2() -> None:
    upper, last, small = [182, 325, 250, 369], [182, 372, 228, 415], [214, 402, 242, 432]
    boxes = np.array([upper, last, last, small], dtype=float)  # the last is proposed as both
    sacral = np.array([False, True, False, True])
    assert without_second_sacral(boxes, sacral).tolist() == [True, True, False, False]
    # a large one below may be S1 as well as the upper one may be
    boxes[3] = [190, 402, 236, 445]
    assert without_second_sacral(boxes, sacral).all()
    # one S1 alone is believed
    assert without_second_sacral(boxes[[0, 2, 3]], sacral[[0, 2, 3]]).all()
