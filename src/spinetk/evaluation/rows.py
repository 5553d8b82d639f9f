"""What an evaluation writes down: one row for each reference instance, proposal and series."""

from __future__ import annotations

from dataclasses import dataclass

FEATURES = ("skewness", "kurtosis", "mpp", "entropy_bits")
"""The four of the paper: mpp is the mean of the positive pixels."""

SIZES = (
    "height_anterior", "height_middle", "height_posterior", "width", "area",
    "upper_slope", "lower_slope", "segment_angle", "wedge_ratio", "biconcave_ratio", "crush_ratio",
    "genant_grade", "slip_percent", "disc_height_index", "core_mean", "core_skewness",
    "core_kurtosis",
)  # fmt: skip
"""What else is held against the reference: lengths and area in mm, or in pixels where the spacing
is not known; slopes and angles in degrees; ratios; features of the core."""

Features = tuple[float, float, float, float]
Sizes = tuple[float, ...]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class InstanceResult:
    """What became of one reference instance.

    Attributes:
        image: key of the image.
        dataset, patient, modality, level: of the reference.
        middle: whether the image is the middle slice of its series.
        kind: class name.
        region: by the level; a disc belongs to the vertebra above it; None without a level.
        box: xyxy of the reference in pixels.
        iou: box overlap with the found instance that it is matched to, 0 where there is none.
        detected: iou >= 0.7.
        cause: why it was not detected: a tag of the annotation ("implant"), "border", "not found"
            or "below IoU", the first that applies; None where it was.
        dice: of the masks; 0 where nothing is matched.
        surface_px, surface_mm: 95th percentile of the outlines' distance; None where nothing is
            matched, or the spacing is not known.
        score: of the matched instance, None where there is none.
        named: the level that the network's result gave, None where it gave none.
        quality, quality_low, flagged: `quality`, `quality_low` and `poor` of the matched instance;
            None where there is none or the network does not judge.
        reference_features, found_features: first-order features of the picture's values inside
            either mask, in the order of `FEATURES`; None where nothing is matched.
        reference_sizes, found_sizes: in the order of `SIZES`; not a number where it is not
            measured, as of what the border cuts; found_sizes is None where nothing is matched.
        in_mm: whether they are in mm.
        verdict: of the matched instance (`measures.judgement`), None where there is none.
    """

    image: str
    dataset: str
    patient: str
    modality: str
    level: str | None
    middle: bool
    kind: str
    region: str | None
    box: Box
    iou: float
    detected: bool
    cause: str | None
    dice: float
    surface_px: float | None
    surface_mm: float | None
    score: float | None
    named: str | None
    quality: float | None
    quality_low: float | None
    flagged: bool | None
    reference_features: Features | None
    found_features: Features | None
    reference_sizes: Sizes | None = None
    found_sizes: Sizes | None = None
    in_mm: bool = False
    verdict: str | None = None


@dataclass(frozen=True)
class AngleResult:
    """An angle of an image's column, from the reference and from what was found.

    Attributes:
        name: "cobb", or what it is and between which bodies ("lordosis L1-S1").
        reference, found: degrees; `found` is not a number where it was not told.
    """

    image: str
    dataset: str
    patient: str
    name: str
    reference: float
    found: float


@dataclass(frozen=True)
class RepeatResult:
    """A structure measured in one variant of its image.

    Attributes:
        place: of the structure among those found in the image as it is.
        variant: what was done to the image.
        sizes: in the order of `SIZES`; not a number where the variant's structure was lost.
        in_mm: whether lengths are in mm; else in pixels of the image as it is.
    """

    image: str
    dataset: str
    modality: str
    kind: str
    place: int
    variant: str
    sizes: Sizes
    in_mm: bool


@dataclass(frozen=True)
class FalsePositive:
    """A found instance that is none of the reference's, where every instance is labelled; quality,
    flagged and verdict as in `InstanceResult`."""

    image: str
    dataset: str
    modality: str
    kind: str
    score: float
    quality: float | None = None
    quality_low: float | None = None
    flagged: bool | None = None
    verdict: str | None = None


@dataclass(frozen=True)
class Proposal:
    """Something that the network proposes, at any score, for the precision-recall analysis.

    Attributes:
        box: xyxy in pixels.
        known: whether the annotation can say that it is right or wrong: it overlaps a reference
            instance of its class, or lies where everything is labelled.
    """

    image: str
    dataset: str
    modality: str
    kind: str
    score: float
    box: Box
    known: bool


@dataclass(frozen=True)
class Comparison:
    """Everything that came out of comparing images with their annotations."""

    instances: tuple[InstanceResult, ...] = ()
    false_positives: tuple[FalsePositive, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    angles: tuple[AngleResult, ...] = ()

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(
            self.instances + other.instances,
            self.false_positives + other.false_positives,
            self.proposals + other.proposals,
            self.angles + other.angles,
        )


@dataclass(frozen=True)
class SliceResult:
    """Slice selection on one series.

    Attributes:
        reference, selected: slice index.
        same_bodies: the selected slice shows as many labelled bodies as the reference slice.
        area_share: labelled body area on the selected slice / on the reference slice.
        as_good: slices that show as many labelled bodies with at least 99 % of the reference's
            area: what the choice of the one reference slice is worth.
    """

    series: str
    dataset: str
    patient: str
    n_slices: int
    reference: int
    selected: int
    same_bodies: bool
    area_share: float
    as_good: int


@dataclass(frozen=True)
class TimeResult:
    """What one image took, in seconds, the second time it was done.

    Attributes:
        network: the network alone.
        whole: reading the picture, the eight steps of the pipeline and the measurements.
    """

    image: str
    modality: str
    network: float
    whole: float
