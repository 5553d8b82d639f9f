"""What is measured, in words: every measure of the one table, with its unit and definition."""

from __future__ import annotations

from dataclasses import dataclass

LENGTH, AREA, ANGLE, RATIO, PERCENT, COUNT, VALUE = (
    "length", "area", "degrees", "ratio", "percent", "count", "value"
)  # fmt: skip
UNITS = {ANGLE: "degrees", RATIO: "1", PERCENT: "%", COUNT: "pixels"}
"""Units that do not depend on the result; lengths are in mm, or px where the spacing is not known;
values in HU on CT, else in the file's own."""


@dataclass(frozen=True)
class Measure:
    """A measure of the table.

    Attributes:
        column: in instances.csv, without the ending of its unit.
        quantity: what its unit follows from.
    """

    name: str
    column: str
    quantity: str
    text: str


MEASURES = (
    Measure("area", "area", AREA, "area of the mask"),
    Measure("height_anterior", "height_anterior", LENGTH,
            "distance of the end plates 15 % inside the front end"),
    Measure("height_middle", "height_middle", LENGTH, "distance of the end plates in the middle"),
    Measure("height_posterior", "height_posterior", LENGTH,
            "distance of the end plates 15 % inside the back end"),
    Measure("width", "width", LENGTH, "distance of front and back wall half way up"),
    Measure("upper_slope", "upper_slope_deg", ANGLE, "fall of the upper end plate, front to back"),
    Measure("lower_slope", "lower_slope_deg", ANGLE, "fall of the lower end plate, front to back"),
    Measure("wedge_ratio", "wedge_ratio", RATIO, "anterior over posterior height"),
    Measure("biconcave_ratio", "biconcave_ratio", RATIO, "middle over posterior height"),
    Measure("crush_ratio", "crush_ratio", RATIO,
            "posterior height over what the neighbours lead to expect"),
    Measure("genant_grade", "genant_grade", RATIO, "grade of deformity, 0 to 3 (T4 to L4)"),
    Measure("slip", "slip_mm", LENGTH, "to the front against the body below"),
    Measure("slip_percent", "slip_percent", PERCENT, "slip over the end plate below (Taillard)"),
    Measure("segment_angle", "segment_angle_deg", ANGLE,
            "of a disc, between the end plates above and below"),
    Measure("disc_height_index", "disc_height_index", RATIO,
            "mean height of a disc over that of the bodies beside it"),
    Measure("mean", "mean", VALUE, "mean of the mask's values"),
    Measure("mpp", "mpp", VALUE, "mean of the mask's positive values"),
    Measure("skewness", "skewness", RATIO, "skewness of the mask's values"),
    Measure("kurtosis", "kurtosis", RATIO, "kurtosis (Pearson) of the mask's values"),
    Measure("entropy", "entropy_bits", RATIO, "entropy of the mask's values in bits, 64 bins"),
    Measure("core_pixels", "core_px", COUNT, "pixels of the core"),
    Measure("core_mean", "core_mean", VALUE, "mean of the core's values"),
    Measure("core_mpp", "core_mpp", VALUE, "mean of the core's positive values"),
    Measure("core_skewness", "core_skewness", RATIO, "skewness of the core's values"),
    Measure("core_kurtosis", "core_kurtosis", RATIO, "kurtosis (Pearson) of the core's values"),
    Measure("core_entropy", "core_entropy_bits", RATIO, "entropy of the core's values in bits"),
    Measure("quality", "quality", RATIO, "Dice that the network expects of the outline"),
)  # fmt: skip
ANGLES = (
    Measure("lordosis", "", ANGLE, "between end plates; the level names the bodies"),
    Measure("kyphosis", "", ANGLE, "between end plates; the level names the bodies"),
    Measure("cobb", "", ANGLE, "largest angle between end plates of a frontal film"),
)
"""Of the column (structure `column`)."""


def unit_of(measure: Measure, *, in_mm: bool, modality: str) -> str:
    """The unit of a measure in one result."""
    if measure.quantity in (LENGTH, AREA):
        return ("mm" if in_mm else "px") + ("²" if measure.quantity == AREA else "")
    if measure.quantity == VALUE:
        return "HU" if modality == "CT" else "stored values"
    return UNITS[measure.quantity]


def column_of(measure: Measure, *, in_mm: bool) -> str:
    """The column of instances.csv that a measure stands in."""
    if measure.quantity == AREA:
        return f"{measure.column}_mm2" if in_mm else f"{measure.column}_px"
    plain = measure.column.endswith("_mm")
    if measure.quantity != LENGTH or plain:
        return measure.column
    return f"{measure.column}_mm" if in_mm else f"{measure.column}_px"
