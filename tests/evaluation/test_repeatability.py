"""What measures change by when nothing did."""

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinetk.boxes import mask_box
from spinetk.datasets.annotated import AnnotatedImage, read_dataset
from spinetk.evaluation import repeatability
from spinetk.evaluation.repeatability import repeatability_table, repeats, variants
from spinetk.evaluation.row_tables import frames_of
from spinetk.evaluation.rows import SIZES, RepeatResult
from spinetk.network.loaded import LoadedModel
from spinetk.study import Instance
from tests.make_dataset import make_dataset


def row(image: str, variant: str, area: float) -> RepeatResult:
    sizes = [math.nan] * len(SIZES)
    sizes[SIZES.index("area")] = area
    return RepeatResult(image, "s", "MR", "vertebral_body", 0, variant, tuple(sizes), True)


def test_the_least_detectable_change_follows_from_the_spread_within() -> None:
    """Structures differ by hundreds, each varies by a standard deviation of 2."""
    values = {"as it is": -2.0, "noisier": 2.0, "turned by 4 degrees": 0.0}
    rows = [row(f"i{k}", name, 100.0 * k + v) for k in range(4) for name, v in values.items()]
    rows += [row(f"i{k}", "slice beside", 100.0 * k + 8.0) for k in range(4)]
    table = repeatability_table(frames_of((), (), (), (), (), (), rows).repeats)
    by_scope = table.set_index("repeated")
    assert by_scope.loc["same slice", "within_sd"] == pytest.approx(2.0)
    assert by_scope.loc["same slice", "least_detectable_change"] == pytest.approx(5.544, abs=0.01)
    assert by_scope.loc["slice beside", "within_sd"] == pytest.approx(10 / math.sqrt(2))
    assert set(by_scope["structures"]) == {4}


def test_an_outline_that_went_wrong_rules_the_deviation_and_not_the_percentile() -> None:
    """Of 200 structures, one in a hundred is measured wrong by far, one in ten is lost."""
    rows = []
    for k in range(200):
        away = 300.0 if k % 100 == 0 else (-1.0) ** k
        rows += [row(f"i{k}", "as it is", 100.0)]
        rows += [row(f"i{k}", "noisier", math.nan if k % 10 == 5 else 100.0 + away)]
    [table] = repeatability_table(frames_of((), (), (), (), (), (), rows).repeats).to_dict(
        "records"
    )
    assert table["least_detectable_change"] > 40 and table["difference_95"] == pytest.approx(1)
    assert table["lost_percent"] == pytest.approx(10)


def test_pixels_of_unlike_images_are_told_in_per_cent() -> None:
    rows = []
    for k in range(6):
        for name, share in (("as it is", 1.0), ("noisier", 1.02)):
            one = row(f"i{k}", name, 100.0 * 4**k * share)
            rows.append(replace(one, in_mm=False))
    [table] = repeatability_table(frames_of((), (), (), (), (), (), rows).repeats).to_dict(
        "records"
    )
    assert table["difference_95"] == pytest.approx(2, abs=0.05)


def test_nothing_repeated_gives_no_table() -> None:
    assert repeatability_table(frames_of((), (), (), (), ()).repeats).empty


def test_a_variants_matrix_says_where_its_pixels_come_from() -> None:
    picture = np.zeros((90, 110), np.float32)
    picture[30:50, 40:70] = 100
    for variant in variants(picture):
        column, line = variant.matrix @ np.array([54.5, 39.5, 1.0])
        assert variant.pixels[round(float(line)), round(float(column))] > 80
        area = (variant.pixels > 50).sum() / variant.scale**2
        assert area == pytest.approx(600, rel=0.06)


@pytest.fixture
def images(tmp_path: Path) -> list[AnnotatedImage]:
    return list(read_dataset(make_dataset(tmp_path / "toy", patients=2, slices=3)).images)


def bright(pixels: np.ndarray) -> list[Instance]:
    """Bodies by their brightness, as a perfect network would find them."""
    smooth = cv2.GaussianBlur(pixels, (0, 0), 1)
    _, parts = cv2.connectedComponents((smooth > 145).astype(np.uint8))
    masks = [parts == n for n in range(1, parts.max() + 1)]
    return [Instance("vertebral_body", m, mask_box(m), 0.9) for m in masks if m.sum() > 200]


def test_sizes_of_the_same_body_are_about_the_same_in_every_variant(
    images: list[AnnotatedImage], mr_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeatability, "outline", lambda view, *_: bright(view.stored.pixels))
    rows = repeats([replace(i, spacing=(0.5, 0.5)) for i in images], mr_model)
    assert len({r.image for r in rows}) == 2  # one slice of each patient
    assert {r.variant for r in rows} >= {"as it is", "noisier", "scaled by 0.9", "slice beside"}
    areas: dict[tuple[str, int], list[float]] = {}
    for r in rows:
        areas.setdefault((r.image, r.place), []).append(r.sizes[SIZES.index("area")])
    for values in areas.values():
        known = [v for v in values if not math.isnan(v)]
        assert max(known) / min(known) < 1.25
    for side in ("upper_slope", "lower_slope"):  # against the rows, which were turned, too
        slopes = [r.sizes[SIZES.index(side)] for r in rows]
        assert max(abs(slope) for slope in slopes if not math.isnan(slope)) < 2.5
