"""The nouns: slices, series, studies, instances and segmentations. No file is touched here.

Pixel arrays are `float32 [H, W]` in raw units (HU, MR signal, modality-LUT X-ray values) with row 0
at the top; boxes are float xyxy in pixels with the right and lower edge exclusive; masks are
`bool [H, W]` on the slice's own grid. Geometry is DICOM/ITK LPS in mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spinetk.errors import SpineError, Unsuitable, readable
from spinetk.warning import Warning

Modality = Literal["MR", "CT", "XR"]
Source = Literal["dicom", "volume", "raster"]
Judgement = Literal["ok", "check", "reject"]
"""Of a result: its numbers can be used, after a look, or not."""
Line = Literal["rows", "columns"]
Vector = tuple[float, float, float]
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""And back: the map is its own inverse."""
UNSURE_SCORE = 0.8
"""The network is unsure of an instance with a lower score."""
NO_SPACING = Warning("no-spacing", "pixel spacing is not known: no figures in mm")
"""Of a picture, which has none."""
SPACING_MISSING = Warning(
    "spacing-missing", "the file gives no pixel spacing that can be used: no figures in mm"
)
"""Of a format that gives one."""
"""Of a series without spacing; it goes where the user gives one."""


NOT_HOUNSFIELD, TURNED = "not-hounsfield", "turned"
"""Codes of the warnings that values of a CT are no Hounsfield units, and that a picture was turned
by what was found in it: what the files do not say and the results must keep."""


def vector(values: NDArray[np.float64]) -> Vector:
    """Three numbers as a tuple."""
    return float(values[0]), float(values[1]), float(values[2])


@dataclass(frozen=True)
class Geometry:
    """Where a slice lies in the patient, in LPS mm.

    Attributes:
        origin: centre of the pixel in row 0, column 0.
        along_row: unit vector in which the column index grows.
        along_column: unit vector in which the row index grows.
        spacing: (row, column) in mm: distance of rows, distance of columns.
        thickness: extent across the slice in mm (slice distance where it is known).
    """

    origin: Vector
    along_row: Vector
    along_column: Vector
    spacing: tuple[float, float]
    thickness: float = 1.0

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector across the slice, along_row x along_column."""
        return np.cross(self.along_row, self.along_column)

    @property
    def plane(self) -> Literal["sagittal", "coronal", "axial"]:
        """The anatomical plane that the slice is nearest to (within 45 degrees or not)."""
        planes: tuple[Literal["sagittal", "coronal", "axial"], ...] = (
            "sagittal",
            "coronal",
            "axial",
        )
        return planes[int(np.argmax(np.abs(self.normal)))]

    @property
    def affine(self) -> NDArray[np.float64]:
        """4 x 4 map from (column, row, slice) indices to LPS mm."""
        affine = np.eye(4)
        affine[:3, 0] = np.asarray(self.along_row) * self.spacing[1]
        affine[:3, 1] = np.asarray(self.along_column) * self.spacing[0]
        affine[:3, 2] = self.normal * self.thickness
        affine[:3, 3] = self.origin
        return affine

    @property
    def affine_ras(self) -> NDArray[np.float64]:
        """4 x 4 map from (column, row, slice) indices to RAS mm, as NIfTI wants it."""
        return LPS_TO_RAS @ self.affine


@dataclass(frozen=True)
class Frame:
    """One stored DICOM image: a file, or one frame of a multi-frame file.

    Attributes:
        path: the file.
        uid: its SOP instance UID.
        number: of the frame, from 1; None in a file of a single frame.
    """

    path: Path
    uid: str
    number: int | None = None


@dataclass(frozen=True)
class Cut:
    """How a sagittal slice was cut from stored frames of another plane, without interpolation.

    Line i of the slice, one of its rows or columns, is a line of `frames[i]`.

    Attributes:
        frames: one for each line.
        lines: which lines of the slice they are.
        frame_lines: which lines of the frame they come from.
        place: number of the row or column in every frame.
        shifts: pixels that each line is moved by along itself, against the frames' tilt.
        frame_shape: (rows, columns) of the frames.
    """

    frames: tuple[Frame, ...]
    lines: Line
    frame_lines: Line
    place: int
    shifts: tuple[int, ...]
    frame_shape: tuple[int, int]


@dataclass(frozen=True)
class Slice:
    """One image of a series.

    Attributes:
        pixels: float32 [H, W], raw units.
        index: place in the series, 0-based: along the normal for DICOM, in file order for volumes.
        geometry: None for plain pictures and films.
        spacing: (row, column) in mm, None where it is not known.
        path: the file that the slice came from.
        origin: the stored DICOM image that it is, or how it was cut from several; None for other
            sources.
        number: InstanceNumber of the file, None for other sources and for cuts.
        shown: float32 [H, W], the values as a viewer shows them (VOI LUT, MONOCHROME1 turned to
            bright bone); the network and people look at these. None where they are `pixels`.
        facing: patient directions (LPS unit vectors) of growing column and row index of a film.
        content: (top, left, bottom, right) of the exposed part of a film; None for all of it.
        dark_bone: the file says that low values are bright (MONOCHROME1), of values without a
            unit: they are looked at inverted.
    """

    pixels: NDArray[np.float32]
    index: int
    geometry: Geometry | None
    spacing: tuple[float, float] | None
    path: Path
    origin: Frame | Cut | None = None
    number: int | None = None
    shown: NDArray[np.float32] | None = None
    facing: tuple[Vector, Vector] | None = None
    content: tuple[int, int, int, int] | None = None
    dark_bone: bool = False

    @property
    def directions(self) -> tuple[Vector, Vector] | None:
        """Patient directions of growing column and row index, None where they are not known."""
        if self.geometry is None:
            return self.facing
        return self.geometry.along_row, self.geometry.along_column

    @property
    def visible(self) -> NDArray[np.float32]:
        """float32 [H, W]: the values to look at."""
        if self.shown is not None:
            return self.shown
        return (
            self.pixels.max() + self.pixels.min() - self.pixels if self.dark_bone else self.pixels
        )


@dataclass(frozen=True)
class Series:
    """Slices that belong together.

    Attributes:
        key: name of the result folder; holds no name or number of the patient.
        modality: None where the file does not say.
        source: kind of file.
        slices: in the order of their index; of a large volume each is read when it is asked for.
        spacing_source: where the spacing comes from ("PixelSpacing", "affine", ...), or None.
        warnings: what a reader of the results must know about the input.
        input_sha256: tells the input from others (`FoundSeries.input_sha256`); None where it was
            not read from files.
    """

    key: str
    modality: Modality | None
    source: Source
    slices: Sequence[Slice]
    spacing_source: str | None
    warnings: tuple[Warning, ...] = ()
    input_sha256: str | None = None
    unpacked: object = field(default=None, repr=False, compare=False)
    """Keeps the folder of an unpacked archive while the series is in use."""

    def __getstate__(self) -> dict[str, object]:
        """What another process gets: its slices bring their pixels along."""
        return self.__dict__ | {"unpacked": None}

    @property
    def in_hounsfield(self) -> bool:
        """A CT of which nothing says that its values are no Hounsfield units."""
        return self.modality == "CT" and not self.in_grey_values

    @property
    def in_grey_values(self) -> bool:
        """A CT of which a warning says that its values are no Hounsfield units."""
        codes = {warning.code for warning in self.warnings}
        return self.modality == "CT" and NOT_HOUNSFIELD in codes


@dataclass(frozen=True)
class Refusal:
    """A file or series that was not taken, and why.

    Attributes:
        name: file name or series key, without the folder's path.
        reason: one line.
        failed: it should have been read (damaged, or named by the user), not merely passed over.
    """

    name: str
    reason: str
    failed: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", readable(self.name))
        object.__setattr__(self, "reason", readable(self.reason))

    @classmethod
    def of(cls, name: str, error: Exception, named: bool = False) -> Refusal:
        """What an error says of a file, or series; named: the user named it."""
        return cls(
            name,
            error.about(name) if isinstance(error, SpineError) else str(error),
            named or not isinstance(error, Unsuitable),
        )


@dataclass(frozen=True)
class Study:
    """Everything that was found in one input.

    Attributes:
        passed_over: number of files of other kinds that lay among the images.
    """

    series: tuple[Series, ...]
    refused: tuple[Refusal, ...] = ()
    passed_over: int = 0


@dataclass(frozen=True)
class Instance:
    """One vertebral body or disc.

    Attributes:
        kind: name of the class, "vertebral_body" or "intervertebral_disc" for the shipped models.
        mask: bool [H, W] on the slice's grid, never empty.
        box: xyxy in pixels, the mask's bounding box.
        score: 0..1, the network's confidence.
        order: place along the column within its kind, counted from below, 1-based.
        level: "L4" or "L4-L5" where the image or the user tells it, else None.
        truncated: the image's border cuts the instance (it comes within two pixels of it).
        quality: 0..1, the Dice that the network expects of its outline; None of a person's outline,
            or where the network does not judge.
        quality_low: 0..1, nine outlines in ten have at least this Dice.
        poor: the quality is below the network's bound: better looked at.
        level_confidence: 0..1, how sure the looks of its column's bodies are of their levels, also
            where that is not enough; None where they were not asked.
        sacral: the network found it as S1, whatever it is named: it has one end plate.
        evidence: float [27], log probability of each of `structures.BODY_LEVELS` by its looks.
    """

    kind: str
    mask: NDArray[np.bool_]
    box: tuple[float, float, float, float]
    score: float
    order: int = 0
    level: str | None = None
    truncated: bool = False
    quality: float | None = None
    quality_low: float | None = None
    poor: bool = False
    level_confidence: float | None = None
    sacral: bool = False
    evidence: NDArray[np.floating] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class SliceCount:
    """What was found on one slice when the slice was selected.

    Attributes:
        index: the slice's index.
        bodies: vertebral bodies above the score threshold.
        discs: discs above the threshold.
        area: total area of the bodies' boxes in pixels; breaks ties.
        number: the slice's InstanceNumber, None where it has none.
    """

    index: int
    bodies: int
    discs: int
    area: float
    number: int | None = None


@dataclass(frozen=True)
class Correction:
    """How a person changed a result.

    Attributes:
        of: key of the result that was changed.
        who: as the person said.
        when: date and time, ISO 8601 with the zone.
        changes: one line each, as "L3: outline (512 to 530 pixels)".
        note: in the person's words.
    """

    of: str
    who: str
    when: str
    changes: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Segmentation:
    """The result for one series.

    Attributes:
        series: what was segmented.
        slice_index: index of the segmented slice.
        instances: bodies from below upwards, then discs from below upwards.
        trace: one entry for each slice that was searched.
        seconds: time of each step.
        warnings: in the order in which they came up; the series' own first.
        correction: None for what the network gave.
    """

    series: Series
    slice_index: int
    instances: tuple[Instance, ...]
    trace: tuple[SliceCount, ...]
    model: str
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: tuple[Warning, ...] = ()
    correction: Correction | None = None

    @property
    def slice(self) -> Slice:
        """The segmented slice."""
        return self.series.slices[self.slice_index]
