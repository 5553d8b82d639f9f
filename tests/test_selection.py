import pytest

from spinetk.selection import select_slice, share_of_largest
from spinetk.study import SliceCount


def count(index: int, bodies: int, area: float = 0.0) -> SliceCount:
    return SliceCount(index=index, bodies=bodies, discs=0, area=area)


def select(bodies: list[int], areas: list[float] | None = None) -> int:
    areas = areas or [100.0] * len(bodies)
    return select_slice(
        [count(i, n, a) for i, (n, a) in enumerate(zip(bodies, areas, strict=True))]
    )


def test_the_slice_with_most_bodies_wins() -> None:
    assert select([0, 3, 7, 7, 7, 4, 1]) == 3


def test_a_count_that_no_neighbour_bears_out_does_not_win() -> None:
    assert (
        select([1, 2, 1, 9, 6, 7, 7, 7, 7, 7, 6, 2, 0], [50.0] * 5 + [70.0] * 5 + [50.0] * 3) == 6
    )
    assert select([5, 7, 7, 7, 7, 7, 6, 8, 3], [40.0, 60, 70, 70, 70, 60, 50, 45, 20]) == 3


def test_a_single_best_slice_among_thick_ones_wins_by_its_area() -> None:
    assert select([4, 5, 8, 5, 4], [40.0, 60.0, 99.0, 60.0, 40.0]) == 2


def test_ties_go_to_the_largest_mask_area_averaged_with_the_neighbours() -> None:
    # slice 1 is the largest by itself, slice 4 with its neighbours
    assert select([7] * 7, [100.0, 108.0, 101.0, 105.0, 106.0, 105.0, 100.0]) == 4


def test_full_ties_go_to_the_middle_of_the_series() -> None:
    assert select([5] * 9) == 4


def test_one_and_two_slices() -> None:
    assert select([3]) == 0
    assert select([3, 5], [10.0, 20.0]) == 1


def test_one_slice_with_a_huge_area_does_not_win() -> None:
    """A false body that fills a crop on a lateral slice, where three true ones are seen on many."""
    areas = [485, 366, 1214, 544, 657, 675, 699, 730, 760, 763, 762, 746, 700]
    trace = [SliceCount(index=i, bodies=3, discs=2, area=a) for i, a in enumerate(areas)]
    assert select_slice(trace) in (8, 9, 10)


def test_how_much_of_the_bodies_the_chosen_slice_shows() -> None:
    """A false body on lateral slices outvotes the middle ones, and is told by the area."""
    bodies, areas = (6, 7, 7, 7, 7, 8, 8, 8), (60.0, 95, 100, 98, 90, 75, 70, 60)
    trace = [count(i, *both) for i, both in enumerate(zip(bodies, areas, strict=True))]
    chosen = select_slice(trace)
    assert chosen == 5
    assert share_of_largest(trace, chosen) == pytest.approx(0.75 / 0.98, abs=0.03)
    assert share_of_largest(trace[:5], 2) == pytest.approx(1, abs=0.03)
    # one slice with a huge area, that no neighbour bears out, makes none small
    assert share_of_largest([count(0, 3, 50), count(1, 3, 500), count(2, 3, 50)], 0) == 1
