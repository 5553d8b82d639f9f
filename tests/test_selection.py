from spinetk.selection import select_slice
from spinetk.study import SliceCount


def count(index: int, bodies: int, area: float = 0.0) -> SliceCount:
    return SliceCount(index=index, bodies=bodies, discs=0, area=area)


def test_the_slice_with_most_bodies_wins() -> None:
    assert select_slice([count(0, 3, 900), count(1, 7, 10), count(2, 6, 999)]) == 1


def test_ties_go_to_the_largest_mask_area_averaged_with_the_neighbours() -> None:
    areas = [100.0, 108.0, 101.0, 105.0, 106.0, 105.0, 100.0]
    # slice 1 is the largest by itself, slice 4 with its neighbours
    assert select_slice([count(i, 7, area) for i, area in enumerate(areas)]) == 4


def test_a_slice_with_fewer_bodies_never_wins_and_never_counts_as_neighbour() -> None:
    assert select_slice([count(0, 6, 99), count(1, 7, 50), count(2, 6, 99), count(3, 7, 49)]) == 1


def test_full_ties_go_to_the_middle_of_the_series() -> None:
    assert select_slice([count(i, 5, 8.0) for i in range(9)]) == 4
