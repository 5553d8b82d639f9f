from dataclasses import replace
from pathlib import Path

import numpy as np

from spinetk.boxes import mask_box
from spinetk.solids import OutlinedSlice, label_volume, solids
from spinetk.structures import BODY_KIND, DISC_KIND
from spinetk.study import Instance, Segmentation, Series, Slice, SliceCount

SHAPE = (100, 80)


def body(top: int, left: int = 20, level: str | None = None, kind: str = BODY_KIND) -> Instance:
    mask = np.zeros(SHAPE, bool)
    mask[top : top + 20, left : left + 30] = True
    return Instance(kind, mask, mask_box(mask), 0.9, level=level)


def outlined(index: int, *instances: Instance, bodies: int = 2) -> OutlinedSlice:
    slices = tuple(Slice(np.zeros(SHAPE, np.float32), i, None, None, Path("x")) for i in range(9))
    series = Series("a", "MR", "raster", slices, None)
    count = SliceCount(index, bodies, 0, 100.0)
    return OutlinedSlice.of(Segmentation(series, index, instances, (count,), "mr"))


def test_pieces_that_lie_on_each_other_are_one_structure_named_by_the_best_slice() -> None:
    slices = [
        outlined(0, body(10, level="L5"), body(40, 24), bodies=1),
        outlined(1, body(12, level="L3"), body(41, level="L4"), body(70, kind=DISC_KIND)),
        outlined(2, body(14, 22), body(43, level="L2"), body(72, kind=DISC_KIND)),
    ]
    chosen, found = solids(slices)
    assert chosen == 1
    assert [(s.instance.level, [i for i, _ in s.pieces]) for s in found] == [
        ("L3", [0, 1, 2]), ("L4", [0, 1, 2]), (None, [1, 2]),
    ]  # fmt: skip
    blank = Slice(np.zeros(SHAPE, np.float32), 0, None, None, Path("x"))
    series = Series("a", "MR", "raster", (blank, blank, blank), None)
    volume = label_volume(series, found, [21, 23, 301])
    for index, one in enumerate(slices):
        for place, label in enumerate((21, 23, 301)[: len(one.instances)]):
            np.testing.assert_array_equal(volume[index] == label, one.mask(place))


def test_what_one_slice_alone_shows_is_dropped_unless_it_is_the_selected_one() -> None:
    slices = [outlined(0, body(10)), outlined(1, body(10), body(40)), outlined(2, body(10))]
    slices[0] = replace(slices[0], count=replace(slices[0].count, bodies=9))
    slices[1] = replace(slices[1], count=replace(slices[1].count, bodies=9))
    chosen, found = solids([*slices, outlined(3, body(10), body(70))])
    lengths = [len(solid.pieces) for solid in found]
    assert 4 in lengths and (lengths.count(1) == (1 if chosen == 1 else 0))


def test_a_slice_without_anything_parts_a_structure() -> None:
    slices = [outlined(i, body(10)) for i in (0, 1, 4, 5)]
    _, found = solids(slices)
    assert sorted([i for i, _ in s.pieces] for s in found) == [[0, 1], [4, 5]]
