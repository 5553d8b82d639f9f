"""What the page and the server say to each other (the OpenAPI schema is made of this)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from spinetk.readers.header_checks import SPACING_MM
from spinetk.server.job import Job, State
from spinetk.server.strict import Strict, Text
from spinetk.server.work_messages import ShownLook
from spinetk.structures import BODY_LEVELS, levels_of
from spinetk.study import Judgement, Modality
from spinetk.warning import Severity

Coordinate = Annotated[float, Field(ge=-1e5, le=1e5, allow_inf_nan=False)]
Point = tuple[Coordinate, Coordinate]
Points = Annotated[list[Point], Field(max_length=20_000)]
Polygons = Annotated[list[Points], Field(max_length=200)]


Millimetres = Annotated[float, Field(ge=SPACING_MM[0], le=SPACING_MM[1])]


class Anchor(Strict):
    """That the body at a place, counted from below from 1, has a level."""

    level: str
    place: Annotated[int, Field(ge=1, le=40)]

    @model_validator(mode="after")
    def _of_a_body(self) -> Self:
        if self.level not in BODY_LEVELS:
            raise ValueError(f"{self.level} is no level of a vertebral body")
        return self


class NewJob(Strict):
    """What a person says of a study before its files come; `spacing` is mm (row, column), of images
    whose files do not say it."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    modality: Modality | None = None
    spacing: tuple[Millimetres, Millimetres] | None = None
    anchor: Anchor | None = None


class ResultRow(BaseModel):
    """A result in the list of its job: a row of summary.csv."""

    key: str
    verdict: str = ""
    reasons: str = ""
    modality: str
    selected_slice: int
    instance_number: int | None
    n_slices: int
    bodies: int
    discs: int
    seconds: float
    warnings: str
    warning_codes: str = ""


class JobState(BaseModel):
    """A job without its tasks; `opened`: a folder of results, which deleting the job leaves."""

    id: str
    name: str
    state: State
    created: float
    doing: str
    done: int
    total: int
    message: str
    results: list[ResultRow]
    files: int
    size: int
    opened: bool

    @classmethod
    def of(cls, job: Job) -> JobState:
        """What the page needs to know of a job."""
        return cls(**{name: getattr(job, name) for name in cls.model_fields})


class Rle(Strict):
    """COCO run lengths of a mask on the upright slice."""

    size: tuple[Annotated[int, Field(ge=1, le=16384)], Annotated[int, Field(ge=1, le=16384)]]
    counts: Annotated[str, Field(max_length=2_000_000)]


class Mark(BaseModel):
    """An instance as the page sends it. What else the server says of an
    instance (`ShownMark`) may come back with it."""

    id: Annotated[str, Field(min_length=1, max_length=40)]
    kind: Literal["vertebral_body", "intervertebral_disc"]
    level: Annotated[str, Field(max_length=16)] | None = None
    score: Annotated[float, Field(ge=0, le=1)] | None = None
    rle: Rle | None = None

    @model_validator(mode="after")
    def level_is_one_of_its_kind(self) -> Self:
        """A body is named as L4, a disc as L4-L5."""
        if self.level is not None and self.level not in levels_of(self.kind):
            raise ValueError("level: not the name of a body or a disc")
        return self


class Change(Strict):
    """One change of one instance; `place` is its place among the instances.

    `outline` puts what lies in `after` in the place of what lay in `before`; `paint` and `erase`
    draw `stroke` with a round brush of `radius` pixels; `box` puts what the network sees in the box
    with two opposite corners in `stroke` in the place of the mask; `name_all` names every level
    from this one's. Coordinates are x, y in pixels.
    """

    place: Annotated[int, Field(ge=0, le=1000)]
    how: Literal["outline", "paint", "erase", "name_all", "box"]
    before: Polygons = Field(default_factory=list)
    after: Polygons = Field(default_factory=list)
    stroke: Points = Field(default_factory=list)
    radius: Annotated[float, Field(gt=0, le=500)] = 3.0


class Edit(Strict):
    """Instances, and a change to be made on them (none: they are only measured)."""

    marks: Annotated[list[Mark], Field(max_length=200)]
    change: Change | None = None


class Version(Strict):
    """What is to be saved, by whom and why.

    `known` names the versions that the sender has seen: where somebody saved another since, nothing
    is saved and what was changed is said. Without it nothing is asked.
    """

    marks: Annotated[list[Mark], Field(max_length=200)]
    who: Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
    note: Text = ""
    known: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=1000)] | None = (
        None
    )


class SliceWish(Strict):
    """Which slice is to be segmented."""

    slice_index: Annotated[int, Field(ge=0, le=100_000)]


class ShownMark(BaseModel):
    """An instance with its outline and measures, upright; `measures` is its row of instances.csv.

    `outline` holds polygons of x, y in pixels with points that a hand can grasp, `border` the
    mask's own border, to a third of a pixel; `score` is None for what a person added.
    """

    id: str
    kind: str
    level: str | None
    score: float | None
    truncated: bool
    rle: Rle
    outline: list[list[tuple[float, float]]]
    border: list[list[tuple[float, float]]]
    centre: tuple[float, float]
    measures: dict[str, str | int | float | bool | None]


class TraceSlice(BaseModel):
    """What was found on one slice when the slice was selected."""

    index: int
    instance_number: int | None
    bodies: int
    discs: int
    area_px: float


class ShownCorrection(BaseModel):
    """How a person changed the result `of`."""

    of: str
    who: str
    when: str
    changes: list[str]
    note: str


class Saved(BaseModel):
    """A result that was, or will be, written."""

    key: str


class Sent(BaseModel):
    """How many files were sent."""

    sent: int


class ShownWarning(BaseModel):
    """What a reader of the result must know (`spinetk.warning`)."""

    code: str
    severity: Severity
    text: str


class About(BaseModel):
    """What a server is and does; the levels are those that bodies and discs may have, from the head
    down; the network is unsure of an instance with a score below `unsure_score`."""

    version: str
    keep_hours: float
    most_bytes: int
    send_to: str | None
    body_levels: list[str]
    disc_levels: list[str]
    unsure_score: float


class Shown(BaseModel):
    """A result for the page.

    `series` is the key of its series, `upload` the name of the job; `spacing` is mm (row, column)
    of the upright slice, `shape` its rows and columns; `trace` the search of the series; `versions`
    the keys of all results of this series.
    """

    key: str
    series: str
    upload: str
    modality: str | None
    selected_slice: int
    n_slices: int
    shape: tuple[int, int]
    spacing: tuple[float, float] | None
    trace: list[TraceSlice]
    verdict: Judgement | None
    reasons: list[str]
    warnings: list[ShownWarning]
    correction: ShownCorrection | None
    look: ShownLook | None
    instances: list[ShownMark]
    versions: list[str]
    files: list[str]
