"""How much a measure changes when nothing did: the same image turned, resampled, noisier, and the
slice beside it.

The least detectable change is the difference between two measurements that chance alone exceeds in
one of twenty. Of differences of one shape that is 1.96 sqrt(2) times the standard deviation within
one structure (Bland and Altman, BMJ 313 (1996) 744); a few outlines that went wrong rule that, so
that the 95th percentile of the differences themselves is given, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spinetk.anatomy import order_and_name
from spinetk.boxes import mask_centre
from spinetk.datasets.annotated import AnnotatedImage
from spinetk.evaluation.compare import as_slice
from spinetk.evaluation.measuring import measured_on, sizes_of
from spinetk.evaluation.rows import SIZES, RepeatResult, Sizes
from spinetk.network.loaded import LoadedModel
from spinetk.orientation import upright
from spinetk.pipeline import outline
from spinetk.study import Instance, Slice

MOST_PATIENTS = 30
"""Of a data set so many are looked at, evenly spread."""
TURNED, SCALED, NOISE = (-4.0, 4.0), (0.9, 1.1), 0.03
"""Degrees, scales, and the standard deviation of the noise as a share of the image's range."""
SEED = 1
LENGTHS = ("height_anterior", "height_middle", "height_posterior", "width", "area")
OF_CORE = tuple(size for size in SIZES if size.startswith("core_"))
AS_IT_IS, BESIDE = "as it is", "slice beside"


@dataclass(frozen=True)
class Variant:
    """The image in another form.

    Attributes:
        pixels: float32 [H, W].
        matrix: float [2, 3], from (column, row) of the image to those of the variant.
        scale: pixels of the variant for one of the image.
        turned: degrees counterclockwise.
    """

    name: str
    pixels: NDArray[np.float32]
    matrix: NDArray[np.float64]
    scale: float = 1.0
    turned: float = 0.0


def repeats(images: Sequence[AnnotatedImage], loaded: LoadedModel) -> list[RepeatResult]:
    """Measure a few patients' middle slices in all variants."""
    out: list[RepeatResult] = []
    series: dict[tuple[str, str], dict[int, AnnotatedImage]] = {}
    for image in images:
        series.setdefault((image.dataset, image.series), {})[image.slice_index] = image
    for image in _chosen(images):
        beside = series[image.dataset, image.series]
        near = [beside[k] for k in (image.slice_index - 1, image.slice_index + 1) if k in beside]
        out += _of_image(image, near[:1], loaded)
    return out


def _chosen(images: Sequence[AnnotatedImage]) -> Iterator[AnnotatedImage]:
    """The middle slice of one series of each patient."""
    by_set: dict[str, dict[str, AnnotatedImage]] = {}
    for image in images:
        best = by_set.setdefault(image.dataset, {}).setdefault(image.patient, image)
        if image.series == best.series and _off_middle(image) < _off_middle(best):
            by_set[image.dataset][image.patient] = image
    for patients in by_set.values():
        every = max(1, math.ceil(len(patients) / MOST_PATIENTS))
        yield from list(patients.values())[::every]


def _off_middle(image: AnnotatedImage) -> float:
    return abs(image.slice_index - image.n_slices // 2)


def _of_image(
    image: AnnotatedImage, beside: Sequence[AnnotatedImage], loaded: LoadedModel
) -> list[RepeatResult]:
    stored = as_slice(image)
    first = _found(image, stored, loaded)
    out = []
    for variant in [*variants(stored.pixels), *_neighbours(image, beside)]:
        found = first
        known, stand_in = (
            (spacing[0] / variant.scale, spacing[1] / variant.scale) if spacing else None
            for spacing in (image.spacing, image.spacing or (1.0, 1.0))
        )
        other = replace(stored, pixels=variant.pixels, spacing=known)
        if variant.name != AS_IT_IS:
            found = _found(image, other, loaded)
        rows = measured_on(image, replace(other, spacing=stand_in), found).rows
        # without a spacing a core's rim is in pixels, which the stand-in would hide
        cores = rows if image.spacing else measured_on(image, other, found).rows
        for place, instance in enumerate(first):
            same = _same(instance, found, variant)
            sizes: Sizes = (math.nan,) * len(SIZES)
            if same is not None:
                row = rows[same] | {name: cores[same][name] for name in OF_CORE}
                sizes = _turned_back(sizes_of(row, in_mm=True), variant.turned)
            in_mm = image.spacing is not None
            out.append(
                RepeatResult(image.key, image.dataset, image.modality, instance.kind, place,
                             variant.name, sizes, in_mm)
            )  # fmt: skip
    return out


def _found(image: AnnotatedImage, stored: Slice, loaded: LoadedModel) -> list[Instance]:
    threshold = loaded.model.score_threshold
    found = outline(upright(stored), loaded, threshold, image.modality)
    return order_and_name(found, None, loaded.model.naming, spacing=stored.spacing)[0]


def variants(pixels: NDArray[np.float32]) -> Iterator[Variant]:
    """The image as it is, turned, resampled and with noise."""
    height, width = pixels.shape
    still = np.eye(2, 3)
    yield Variant(AS_IT_IS, pixels, still)
    for degrees in TURNED:
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
        turned = cv2.warpAffine(
            pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        yield Variant(f"turned by {degrees:g} degrees", turned, matrix, turned=degrees)
    for scale in SCALED:
        size = (round(width * scale), round(height * scale))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        yield Variant(f"scaled by {scale:g}", cv2.resize(pixels, size, interpolation=how),
                      still * scale, scale)  # fmt: skip
    noise = np.random.default_rng(SEED).normal(0, NOISE * float(np.ptp(pixels)), pixels.shape)
    yield Variant("noisier", (pixels + noise).astype(np.float32), still)


def _neighbours(image: AnnotatedImage, beside: Sequence[AnnotatedImage]) -> Iterator[Variant]:
    shape = image.pixels.shape
    for other in beside:
        if other.pixels.shape == shape:
            yield Variant(BESIDE, other.pixels.astype(np.float32), np.eye(2, 3))


def _turned_back(sizes: Sizes, degrees: float) -> Sizes:
    """Slopes are against the rows of the image, which were turned, too."""
    return tuple(
        value + degrees if name in ("upper_slope", "lower_slope") else value
        for name, value in zip(SIZES, sizes, strict=True)
    )


def _same(instance: Instance, found: Sequence[Instance], variant: Variant) -> int | None:
    """Which instance of a variant holds the middle of one of the image."""
    column, row = variant.matrix @ np.array([*mask_centre(instance.mask), 1.0])
    place = (round(float(row)), round(float(column)))
    for number, other in enumerate(found):
        inside = all(0 <= at < size for at, size in zip(place, other.mask.shape, strict=True))
        if other.kind == instance.kind and inside and other.mask[place]:
            return number
    return None


def repeatability_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Standard deviation within a structure, and the least detectable change, of each measure, by
    modality and kind; with and without the slice beside. Lengths in pixels, of images of unlike
    scales, are in per cent of the structure's own mean. `difference_95`: the 95th percentile of the
    differences from the image as it is; `lost_percent`: how often that has a value and the variant
    has none."""
    out = []
    rows = _in_percent(rows)
    for (modality, kind, in_mm), group in rows.groupby(["modality", "kind", "in_mm"]):
        for scope, part in (
            ("same slice", group[group["variant"] != BESIDE]),
            ("slice beside", group[group["variant"].isin([AS_IT_IS, BESIDE])]),
        ):
            for size in SIZES:
                own = part[["image", "place", size]].dropna().groupby(["image", "place"])[size]
                enough = own.count() > 1
                if enough.sum() < 3 or size == "genant_grade":
                    continue
                weights = own.count()[enough] - 1
                within = math.sqrt(float((own.var()[enough] * weights).sum() / weights.sum()))
                out.append(
                    {
                        "modality": modality,
                        "kind": kind,
                        "size": size,
                        "in_mm": bool(in_mm),
                        "repeated": scope,
                        "structures": int(enough.sum()),
                        "within_sd": within,
                        "least_detectable_change": 1.96 * math.sqrt(2) * within,
                        **_differences(part, size),
                    }
                )
    return pd.DataFrame(out)


def _in_percent(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows, lengths in pixels as per cent of their structure's mean."""
    unknown = ~rows["in_mm"].astype(bool)
    if not unknown.any():
        return rows
    means = rows[unknown].groupby(["image", "kind", "place"])[list(LENGTHS)].transform("mean")
    changed = rows.copy()
    changed.loc[unknown, list(LENGTHS)] = 100 * rows.loc[unknown, list(LENGTHS)] / means
    return changed


def _differences(part: pd.DataFrame, size: str) -> dict[str, float]:
    """Of the variants from the image as it is."""
    table = part.pivot_table(
        index=["image", "place"], columns="variant", values=size, dropna=False, observed=True
    )
    if AS_IT_IS not in table:
        return {"difference_95": math.nan, "lost_percent": math.nan}
    first = table[AS_IT_IS]
    others = table.drop(columns=AS_IT_IS)[first.notna()]
    away = others.sub(first[first.notna()], axis=0).abs().to_numpy(float)
    tried = _tried(part, first[first.notna()].index)
    known = away[np.isfinite(away)]
    return {
        "difference_95": float(np.percentile(known, 95)) if len(known) else math.nan,
        "lost_percent": 100 * (1 - len(known) / tried) if tried else math.nan,
    }


def _tried(part: pd.DataFrame, known: pd.Index) -> int:
    """In how many variants structures could have been measured: not every slice has one beside."""
    others = part[part["variant"] != AS_IT_IS]
    return int(pd.MultiIndex.from_frame(others[["image", "place"]]).isin(known).sum())
