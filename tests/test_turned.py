from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from spinetk.errors import Unsuitable
from spinetk.measures.table import measured
from spinetk.network.loaded import LoadedModel, load_model
from spinetk.phantom import PhantomConfig, make_phantom
from spinetk.phantom.image import Look
from spinetk.pipeline import segment
from spinetk.study import NO_SPACING, Segmentation, Series, Slice
from spinetk.turned import as_it_lies


@cache
def phantom_slice(look: Look) -> np.ndarray:
    return make_phantom(PhantomConfig(look=look, slices=3)).volume[1].astype(np.float32)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return phantom_slice("T1")


def as_series(pixels: np.ndarray) -> Series:
    stored = Slice(np.ascontiguousarray(pixels), 0, None, None, Path("picture"))
    return Series("picture", "MR", "raster", (stored,), None, (NO_SPACING,))


def masks(result: Segmentation, turns: int) -> dict[tuple[str, int], np.ndarray]:
    return {(i.kind, i.order): np.rot90(i.mask, turns) for i in result.instances}


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("look", ["T1", "T2"])
def test_masks_of_a_turned_picture_lie_on_the_turned_structures(
    look: Look, turns: int, mr_model: LoadedModel
) -> None:
    picture = phantom_slice(look)
    upright = segment(as_series(picture), mr_model)
    assert "turned" not in [w.code for w in upright.warnings]
    turned = segment(as_series(np.rot90(picture, -turns)), mr_model)
    [told] = [w.text for w in turned.warnings if w.code == "turned"]
    assert told.startswith(f"turned: {90 * turns} ")
    wanted, found = masks(upright, 0), masks(turned, turns)
    assert found.keys() == wanted.keys()
    for key, mask in wanted.items():
        overlap = 2 * (mask & found[key]).sum() / (mask.sum() + found[key].sum())
        assert overlap > 0.97, key
    assert [i.level for i in turned.instances] == [i.level for i in upright.instances]


@pytest.mark.parametrize("turns", [0, 1])
def test_masks_of_a_mirrored_picture_lie_on_the_mirrored_structures(
    picture: np.ndarray, turns: int, mr_model: LoadedModel
) -> None:
    upright = segment(as_series(picture), mr_model)
    mirrored = segment(as_series(np.rot90(picture[:, ::-1], -turns)), mr_model)
    told = [w.text.split(" (")[0] for w in mirrored.warnings if w.code == "turned"]
    turned = [f"turned: {90 * turns}"] if turns else []
    assert told == [*turned, "turned: mirrored"]
    wanted = masks(upright, 0)
    found = {key: mask[:, ::-1] for key, mask in masks(mirrored, turns).items()}
    assert found.keys() == wanted.keys()
    for key, mask in wanted.items():
        overlap = 2 * (mask & found[key]).sum() / (mask.sum() + found[key].sum())
        assert overlap > 0.9, key
    rows = [
        {row["level"]: row["height_posterior_px"] for row in measured(result)[0]}
        for result in (upright, mirrored)
    ]
    for level in ("L5", "L4", "L3"):
        assert rows[1][level] == pytest.approx(rows[0][level], abs=1.5)


def test_two_spines_side_by_side_are_refused(picture: np.ndarray, mr_model: LoadedModel) -> None:
    both = as_series(np.concatenate([picture, picture], axis=1))
    with pytest.raises(Unsuitable, match="two spines side by side"):
        as_it_lies(both, mr_model, 0.5)


def test_what_says_how_it_lies_is_left_alone(picture: np.ndarray, mr_model: LoadedModel) -> None:
    stored = Slice(
        np.rot90(picture, 2), 0, None, None, Path("film"), facing=((0, 1, 0), (0, 0, -1))
    )
    series = Series("film", "MR", "raster", (stored,), None)
    assert as_it_lies(series, mr_model, 0.5) is series


def test_a_film_on_its_head_is_told_by_bodies_that_shrink() -> None:
    """Nine bodies of the phantom's film."""
    pixels = make_phantom(PhantomConfig(look="XR")).volume[0].astype(np.float32)
    loaded = load_model("xr")
    film = replace(as_series(pixels), modality="XR")
    assert as_it_lies(film, loaded, loaded.model.score_threshold) is film
    over = replace(as_series(np.rot90(pixels, 2)), modality="XR")
    turned = as_it_lies(over, loaded, loaded.model.score_threshold)
    [told] = [w.text for w in turned.warnings if w.code == "turned"]
    assert told.startswith("turned: 180 ")


def test_of_two_spines_one_above_the_other_the_second_is_told(
    picture: np.ndarray, mr_model: LoadedModel
) -> None:
    dark = np.zeros((60, picture.shape[1]), picture.dtype)
    both = segment(as_series(np.concatenate([picture, dark, picture], axis=0)), mr_model)
    [warning] = [w for w in both.warnings if w.code == "other-column"]
    assert "bodies below the column" in warning.text or "bodies above the column" in warning.text
    assert warning.severity == "check"
    assert not [w for w in segment(as_series(picture), mr_model).warnings
                if w.code == "other-column"]  # fmt: skip
