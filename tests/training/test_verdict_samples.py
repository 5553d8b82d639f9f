import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from dataclasses import replace

import numpy as np

from spinetk.datasets.annotated import AnnotatedImage, read_dataset
from spinetk.network.detector import Detector
from spinetk.network.registry import find_model
from spinetk.structures import BODY_LEVELS
from spinetk.training.augmentation import NO_LEVEL, Sample
from spinetk.training.config import NetworkConfig, TrainingConfig
from spinetk.training.verdict_samples import _truth, carried_on, collect
from tests.make_phantom_set import make_phantom_set

MR = find_model("mr")
CONFIG = TrainingConfig(network=NetworkConfig(classes=MR.classes), verdict_views=2)


@pytest.fixture(scope="module")
def spines(tmp_path_factory: pytest.TempPathFactory) -> tuple[AnnotatedImage, ...]:
    return read_dataset(make_phantom_set(tmp_path_factory.mktemp("set") / "phantoms", 2)).images


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(MR.path, threads=1)


def test_what_is_found_is_held_against_the_truth(
    spines: tuple[AnnotatedImage, ...], detector: Detector
) -> None:
    samples = collect(spines, detector, CONFIG)
    assert samples is not None
    count = len(samples.dice)
    assert len(samples.around) == len(samples.labels) == len(samples.image) == count > 10
    placed = samples.level != NO_LEVEL
    assert len(samples.near) == len(samples.far) == placed.sum() > 5
    assert np.median(samples.dice) > 0.85
    assert {BODY_LEVELS[k] for k in samples.level[placed]} >= {"L3", "L4", "L5"}
    assert (samples.labels[placed] != 2).all()  # a disc has no level of its own


def test_the_same_seed_gives_the_same_views(
    spines: tuple[AnnotatedImage, ...], detector: Detector
) -> None:
    first, again = (collect(spines[:1], detector, CONFIG) for _ in range(2))
    assert first is not None and again is not None
    np.testing.assert_array_equal(first.around, again.around)
    other = collect(spines[:1], detector, replace(CONFIG, seed=2))
    assert other is not None and not np.array_equal(other.dice, first.dice)


def test_loose_outlines_teach_levels_only(
    spines: tuple[AnnotatedImage, ...], detector: Detector
) -> None:
    loose = replace(CONFIG, loose_outlines=("phantoms",))
    samples = collect(spines, detector, loose)
    if samples is not None:  # false finds are false all the same
        placed = samples.dice[samples.level != NO_LEVEL]
        assert np.isnan(placed[placed != 0]).all() and np.isnan(placed).mean() > 0.9


def test_dice_of_a_find_is_that_of_its_mask() -> None:
    """A truth of 40 x 40 and a find shifted by 10 columns share three quarters."""
    truth = np.zeros((1, 120, 120), dtype=np.uint8)
    truth[0, 40:80, 40:80] = 1
    shown = Sample(
        truth[0].astype(np.float32), truth, np.array([1]), np.zeros((120, 120), np.uint8),
        "MR", (1.0, 1.0), np.array([20]),
    )  # fmt: skip
    boxes = np.array([[50, 40, 90, 80], [0, 0, 20, 20], [70, 60, 100, 90]], dtype=np.float32)
    spanned = torch.tensor([[30.0, 20, 110, 100], [-10, -10, 30, 30], [55, 45, 115, 105]])
    masks = torch.zeros(3, 56, 56)
    masks[:, 14:42, 14:42] = 1
    dice, matched = _truth(shown, boxes, np.array([1, 1, 1]), masks, spanned)
    assert matched.tolist() == [0, -1, -1]
    assert dice[0] == pytest.approx(0.75, abs=0.01)
    assert dice[1] == 0  # nothing is there
    assert dice[2] == 0 or np.isnan(dice[2])
    shown = replace(shown, unlabelled=np.full((120, 120), 2, np.uint8))
    dice, _ = _truth(shown, boxes, np.array([1, 1, 1]), masks, spanned)
    assert np.isnan(dice[1]) and dice[0] == pytest.approx(0.75, abs=0.01)


def test_a_body_is_no_match_for_a_disc() -> None:
    truth = np.zeros((1, 60, 60), dtype=np.uint8)
    truth[0, 20:40, 20:40] = 1
    shown = Sample(
        truth[0].astype(np.float32), truth, np.array([2]), np.zeros((60, 60), np.uint8),
        "MR", (1.0, 1.0), np.array([NO_LEVEL]),
    )  # fmt: skip
    box = np.array([[20, 20, 40, 40]], dtype=np.float32)
    masks = torch.ones(1, 56, 56)
    spanned = torch.from_numpy(box)
    assert _truth(shown, box, np.array([1]), masks, spanned)[1].tolist() == [-1]
    assert _truth(shown, box, np.array([2]), masks, spanned)[1].tolist() == [0]


def test_levels_are_carried_on_to_neighbours_and_not_over_a_gap() -> None:
    def boxes(*tops: int) -> np.ndarray:
        return np.array([[10, top, 40, top + 20] for top in tops], dtype=np.float32)

    def carried(names: list[str | None], *tops: int) -> list[str | None]:
        places = [NO_LEVEL if n is None else BODY_LEVELS.index(n) for n in names]
        out = carried_on(np.array(places), boxes(*tops))
        return [None if k == NO_LEVEL else BODY_LEVELS[k] for k in out]

    # given in any order: S1 below L5, L3 and L2 above L4
    assert carried([None, "L4", "L5", None, None], 160, 100, 130, 70, 40) == [
        "S1", "L4", "L5", "L3", "L2",
    ]  # fmt: skip
    assert carried(["L5", None, None, None], 200, 170, 80, 50) == ["L5", "L4", None, None]
    assert carried(["S1", None], 100, 70) == ["S1", "L5"]
    assert carried([None, "S1"], 100, 70) == [None, "S1"]  # nothing is named below it
    assert carried(["L6", None], 100, 70) == ["L6", None]  # of a variant nothing follows
