"""`annotations.json` as the documented layout has it: its types (docs/reference/dataset.md)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictBool

from spinetk.datasets.fields import Entry
from spinetk.structures import BODY_LEVELS, DISC_LEVELS
from spinetk.study import Modality

Number = Annotated[int, Field(ge=0, lt=2**31)]
SPACINGS = (0.001, 100.0)
"""Between these lies every distance of pixels, in mm."""
Millimetres = Annotated[float, Field(gt=SPACINGS[0], lt=SPACINGS[1])]
Name = Annotated[str, Field(min_length=1, max_length=1000)]
LEVELS = {*BODY_LEVELS, *DISC_LEVELS}


class RunLengths(Entry):
    """COCO run lengths of a mask of `size` = (rows, columns)."""

    size: tuple[Number, Number]
    counts: str | bytes | list[int]


def _run_lengths(value: Any) -> Any:
    """Say of COCO's polygons what they are: the commonest mistake."""
    if isinstance(value, list):
        raise ValueError("masks must be run-length coded")
    return value


class NoteEntry(Entry):
    """One outlined instance."""

    id: int | str | None = None
    image_id: int | str
    category_id: int
    segmentation: Annotated[RunLengths, BeforeValidator(_run_lengths)]
    level: str | None = None
    tags: Annotated[tuple[str, ...], BeforeValidator(lambda value: value or ())] = ()


class ImageEntry(Entry):
    """One picture and what is known about it."""

    id: int | str
    file_name: Name
    patient_id: Name
    series_id: Name
    slice_index: Number
    n_slices: Annotated[int, Field(ge=1, lt=2**31)]
    modality: Modality
    labelled_categories: tuple[int, ...]
    exhaustive: StrictBool
    pixel_spacing_mm: Annotated[
        tuple[Millimetres, Millimetres] | None, BeforeValidator(lambda value: value or None)
    ] = None
    pseudo_labels: Annotated[StrictBool, BeforeValidator(lambda value: value or False)] = False
    view: str | None = None
    exhaustive_rows: Annotated[
        tuple[float, float] | None, BeforeValidator(lambda value: value or None)
    ] = None
    height: int | None = None
    width: int | None = None


class CategoryEntry(Entry):
    """A class of structures."""

    id: int
    name: Name


class SetContent(Entry):
    """The whole file."""

    categories: Annotated[tuple[CategoryEntry, ...], Field(min_length=1)]
    images: tuple[ImageEntry, ...]
    annotations: tuple[NoteEntry, ...]
    info: Annotated[
        dict[str, Any],
        Field(default_factory=dict),
        BeforeValidator(lambda value: value if isinstance(value, dict) else {}),
    ]
