from pathlib import Path

import numpy as np

from spinetk.boxes import dice
from spinetk.datasets.converters.bodies import single_parts, vertebral_body
from spinetk.readers.volume_files import read_volume
from spinetk.structures import BODY_KIND
from tests.conftest import Painter

MIDDLE_MM2 = 850.0
"""Cuts with a reference body of this size go through its middle."""


def test_posterior_elements_are_cut_off(block: Painter) -> None:
    body = block(120, 160, 40, 20, 70, 60)
    pedicle = block(120, 160, 45, 60, 54, 80)
    process = block(120, 160, 50, 80, 75, 120)
    found = vertebral_body(body | pedicle | process, (1.0, 1.0))
    assert dice(found, body) > 0.95
    assert not (found & process).any()


def test_a_body_alone_stays_as_it_is(block: Painter) -> None:
    body = block(100, 100, 30, 30, 60, 70)
    assert dice(vertebral_body(body, (1.0, 1.0)), body) > 0.99


def test_pixels_need_not_be_square(block: Painter) -> None:
    body, process = block(60, 160, 20, 20, 35, 60), block(60, 160, 24, 60, 29, 110)
    found = vertebral_body(body | process, (2.0, 1.0))
    assert dice(found, body) > 0.93


def test_a_slice_beside_the_bodies_shows_none(block: Painter) -> None:
    assert not vertebral_body(block(100, 100, 40, 20, 46, 70), (1.0, 1.0)).any()
    assert not vertebral_body(np.zeros((10, 10), dtype=bool), None).any()


def test_a_real_vertebra_becomes_its_body(real_crops: Path) -> None:
    """tptbox's L3: the middle cuts agree with its body subregions (49 and 50)."""
    folder = real_crops / "sample_ct"
    whole = read_volume(folder / "sub-ct_seg-vert_label-22_msk.nii.gz", labels=True)
    parts = read_volume(folder / "sub-ct_seg-subreg_label-22_msk.nii.gz", labels=True)
    scores = []
    for one, part in zip(whole.slices, parts.slices, strict=True):
        mask = one.pixels == 22
        reference = mask & np.isin(part.pixels, (49, 50))
        assert one.spacing is not None
        if reference.sum() * np.prod(one.spacing) >= MIDDLE_MM2:
            scores.append(dice(vertebral_body(mask, one.spacing), reference))
    assert len(scores) > 10
    assert np.median(scores) > 0.97 and min(scores) > 0.9


def test_one_label_for_all_vertebrae_is_as_many_structures_as_it_has_parts() -> None:
    mask = np.zeros((90, 60), bool)
    for top in (5, 35, 65):
        mask[top : top + 20, 10:50] = True
    mask[85:87, 58:59] = True  # a speck
    assert [part.sum() for _, part in single_parts((BODY_KIND, None), mask)] == [800, 800, 800]
    assert len(single_parts((BODY_KIND, "L3"), mask)) == 1
    assert len(single_parts(("canal", None), mask)) == 1
