from spinetk.selection import select_slice
from spinetk.study import SliceCount


def count(index: int, bodies: int, weight: float = 0.0) -> SliceCount:
    return SliceCount(index=index, bodies=bodies, discs=0, weight=weight)


def test_the_slice_with_most_bodies_wins() -> None:
    assert select_slice([count(0, 3, 900), count(1, 7, 10), count(2, 6, 999)]) == 1


def test_ties_go_to_the_larger_area_times_score() -> None:
    assert select_slice([count(0, 7, 10), count(1, 7, 12), count(2, 7, 11)]) == 1


def test_full_ties_go_to_the_middle_of_the_series() -> None:
    assert select_slice([count(i, 5, 8.0) for i in range(9)]) == 4
