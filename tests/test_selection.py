from spinetk.selection import MOST_OUTLINED, select_slice, tied_slices
from spinetk.study import SliceCount


def count(index: int, bodies: int, weight: float = 0.0, area: float | None = None) -> SliceCount:
    return SliceCount(index=index, bodies=bodies, discs=0, weight=weight, area=area)


def test_the_slice_with_most_bodies_wins() -> None:
    assert select_slice([count(0, 3, 900), count(1, 7, 10), count(2, 6, 999)]) == 1


def test_ties_go_to_the_largest_mask_area_averaged_with_the_neighbours() -> None:
    areas = [100.0, 108.0, 101.0, 105.0, 106.0, 105.0, 100.0]
    trace = [count(i, 7, 1000 - i, area) for i, area in enumerate(areas)]
    # slice 1 is the largest by itself, slice 4 with its neighbours
    assert select_slice(trace) == 4


def test_a_slice_with_fewer_bodies_never_wins_and_never_counts_as_neighbour() -> None:
    trace = [count(0, 6, 1, None), count(1, 7, 1, 50.0), count(2, 6, 1, None), count(3, 7, 1, 49.0)]
    assert select_slice(trace) == 1


def test_without_outlines_ties_go_to_box_area_times_score() -> None:
    assert select_slice([count(0, 7, 10), count(1, 6, 99), count(2, 7, 11)]) == 2


def test_full_ties_go_to_the_middle_of_the_series() -> None:
    assert select_slice([count(i, 5, 8.0) for i in range(9)]) == 4


def test_the_number_of_slices_that_are_outlined_is_bounded() -> None:
    trace = [count(i, 7, weight=i % 50) for i in range(2000)]
    tied = tied_slices(trace)
    assert len(tied) == MOST_OUTLINED and tied == sorted(tied)
    assert {i % 50 for i in tied} == {49}
    assert tied_slices([count(0, 3), count(1, 7), count(2, 7)]) == [1, 2]
