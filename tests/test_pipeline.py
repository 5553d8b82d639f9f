from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinetk.boxes import dice
from spinetk.errors import SpineError, UsageError
from spinetk.network.detector import Boxes
from spinetk.network.fitting import Fit, NetworkInput
from spinetk.network.loaded import LoadedModel, model_for
from spinetk.phantom import Phantom, PhantomConfig, make_phantom
from spinetk.pipeline import doubts, outline, segment
from spinetk.readers import read
from spinetk.search import REMEMBERED, count_boxes, detect
from spinetk.study import Geometry, Instance, Segmentation, Series, Slice


def as_series(phantom: Phantom) -> Series:
    slices = tuple(
        Slice(pixels, index, geometry, geometry.spacing, Path("phantom"))
        for index, (pixels, geometry) in enumerate(
            zip(phantom.volume, phantom.geometries, strict=True)
        )
    )
    return Series("phantom", "MR", "dicom", slices, "PixelSpacing")


def body_dice(phantom: Phantom, result: Segmentation) -> dict[int, float]:
    """Best Dice of each whole body of the truth on the segmented slice."""
    truth = phantom.labels[result.slice_index]
    bodies = [i for i in result.instances if i.kind == "vertebral_body"]
    out = {}
    for label in np.unique(truth[(truth > 0) & (truth < 100)]):
        mask = truth == label
        if not (mask[0].any() or mask[-1].any()):
            out[int(label)] = max(dice(mask, b.mask) for b in bodies)
    return out


@pytest.mark.parametrize("look", ["T1", "T2"])
def test_the_phantoms_bodies_are_found_and_outlined(look: str, mr_model: LoadedModel) -> None:
    phantom = make_phantom(PhantomConfig(look=look, slices=7))  # type: ignore[arg-type]
    result = segment(as_series(phantom), mr_model)
    got = body_dice(phantom, result)
    assert len(got) >= 8 and min(got.values()) > 0.75 and np.median(list(got.values())) > 0.88
    assert abs(result.slice_index - 3) <= 2
    assert len(result.trace) == 7


def test_a_wedge_fracture_and_scoliosis_are_followed(mr_model: LoadedModel) -> None:
    phantom = make_phantom(PhantomConfig(slices=7, fracture="L1", scoliosis_mm=11))
    result = segment(as_series(phantom), mr_model)
    assert body_dice(phantom, result)[20] > 0.75


def test_a_flipped_and_transposed_series_gives_the_same_masks(
    phantom: Phantom, mr_model: LoadedModel
) -> None:
    middle = phantom.geometries[4]
    plain = Slice(phantom.volume[4], 0, middle, middle.spacing, Path("p"))
    turned_geometry = Geometry(
        origin=middle.origin,
        along_row=(0.0, 0.0, 1.0),
        along_column=(0.0, -1.0, 0.0),
        spacing=middle.spacing,
    )
    stored = np.ascontiguousarray(np.flip(phantom.volume[4], (0, 1)).T)
    turned = Slice(stored, 0, turned_geometry, middle.spacing, Path("p"))
    first, second = (
        segment(Series("s", "MR", "dicom", (one,), None), mr_model) for one in (plain, turned)
    )
    assert len(first.instances) == len(second.instances)
    for a, b in zip(first.instances, second.instances, strict=True):
        assert (np.flip(b.mask.T, (0, 1)) == a.mask).all()
        assert (a.kind, a.order, a.level) == (b.kind, b.order, b.level)


def test_a_slice_can_be_chosen_and_a_missing_one_is_named(
    phantom: Phantom, mr_model: LoadedModel
) -> None:
    series = as_series(phantom)
    assert segment(series, mr_model, slice_choice=2).slice_index == 2
    with pytest.raises(UsageError, match="no slice 9; it has slices 0 to 8"):
        segment(series, mr_model, slice_choice=9)


def test_nothing_found_is_an_error_in_one_line(mr_model: LoadedModel) -> None:
    noise = np.random.default_rng(0).normal(100, 5, (200, 200)).astype(np.float32)
    series = Series("noise", "MR", "raster", (Slice(noise, 0, None, None, Path("n")),), None)
    with pytest.raises(SpineError, match="no vertebral body or disc was found on the slice"):
        segment(series, mr_model, score=0.9)


def test_the_network_goes_by_modality(phantom_folder: Path) -> None:
    [series] = read(phantom_folder / "dicom").series
    assert model_for(series) == ("mr", series)
    bare = Series("x", None, "raster", series.slices, None)
    name, told = model_for(bare)
    assert name == "mr" and told.modality == "MR" and told.warnings[0].code == "modality-assumed"


def test_a_body_found_twice_as_body_and_as_s1_counts_once() -> None:
    boxes = Boxes(
        np.array([[0, 0, 10, 10], [1, 0, 10, 10], [0, 20, 10, 30], [0, 32, 10, 36]], np.float32),
        np.array([0.9, 0.8, 0.7, 0.6], np.float32),
        np.array([3, 1, 1, 2]),
        Fit((1.0, 1.0), 40, 10),
    )
    classes = ("vertebral_body", "intervertebral_disc", "first_sacral_body")
    got = count_boxes(5, boxes, classes, 0.5)
    assert (got.index, got.bodies, got.discs) == (5, 2, 1)
    assert got.area == 100 + 100


def test_the_chosen_slice_is_not_searched_again(
    phantom: Phantom, mr_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []
    find = mr_model.detector.find_boxes

    def counted(given: NetworkInput) -> Boxes:
        searched.append(given)
        return find(given)

    monkeypatch.setattr(mr_model.detector, "find_boxes", counted)
    series = as_series(phantom)
    result = segment(series, mr_model)
    assert len(searched) == len(series.slices)
    again = outline(result.slice, mr_model, mr_model.model.score_threshold, "MR")
    assert sorted(i.mask.sum() for i in again) == sorted(i.mask.sum() for i in result.instances)


def test_features_of_few_slices_are_kept(mr_model: LoadedModel) -> None:
    one = Slice(np.zeros((64, 64), np.float32), 0, None, None, Path("blank"))
    trace, best = detect([replace(one, index=i) for i in range(12)], mr_model, 0.5, "MR")
    assert len(trace) == 12 and len(best) == REMEMBERED


def test_a_small_s1_is_doubted(mr_model: LoadedModel) -> None:
    def body(level: str, side: int) -> Instance:
        mask = np.zeros((64, 64), bool)
        mask[:side, :side] = True
        return Instance("vertebral_body", mask, (0, 0, side, side), 0.99, level=level)

    for side, doubted in ((12, True), (18, False)):
        bodies = [body("S1", side), body("L5", 20), body("L4", 20)]
        assert any(doubt.code == "small-sacrum" for doubt in doubts(bodies)) == doubted


def test_outlines_are_judged_and_poor_ones_told(
    phantom_result: Segmentation, mr_model: LoadedModel
) -> None:
    for instance in phantom_result.instances:
        assert instance.quality is not None and instance.quality_low is not None
        assert 0 <= instance.quality_low <= instance.quality <= 1
        calibration = mr_model.model.calibration
        assert calibration is not None
        assert instance.poor == (instance.quality < calibration.quality_bound)
    whole = [i for i in phantom_result.instances if not i.truncated]
    best = max(whole, key=lambda i: i.quality or 0.0)
    poor = replace(best, poor=True)
    for instances, told in (([best], False), ([best, poor], True)):
        found = [d for d in doubts(instances) if d.code == "low-quality"]
        assert bool(found) == told
    cut = [d.code for d in doubts([best, replace(poor, truncated=True)])]
    assert "low-quality" not in cut  # what the border cuts is in no study


def test_levels_come_with_how_sure_they_are(phantom_result: Segmentation) -> None:
    bodies = [i for i in phantom_result.instances if i.kind == "vertebral_body"]
    assert len({b.level_confidence for b in bodies}) == 1  # of the column as a whole
    assert all(b.level and b.level_confidence and b.level_confidence > 0.5 for b in bodies)
