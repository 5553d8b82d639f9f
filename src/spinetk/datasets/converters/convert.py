"""Convert an annotated collection of one format into a data set."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from spinetk.datasets.converters.aasce import aasce
from spinetk.datasets.converters.bodies import single_parts, vertebral_body
from spinetk.datasets.converters.coco_json import coco
from spinetk.datasets.converters.corrected_results import corrected_results
from spinetk.datasets.converters.labelme import labelme
from spinetk.datasets.converters.names import itk_snap_names, spider_numbers, verse_numbers
from spinetk.datasets.converters.pictures import Picture
from spinetk.datasets.converters.segmentation_objects import dicom_seg
from spinetk.datasets.converters.volume_pairs import (
    LOOKED_FOR,
    nnunet_names,
    pairs,
    spider_pairs,
    verse_pairs,
)
from spinetk.datasets.converters.volumes import add_volume
from spinetk.datasets.converters.yolo import yolo
from spinetk.datasets.writer import DatasetWriter, OutlinedSlice
from spinetk.errors import SpineError, UsageError
from spinetk.results.keys import RESULT_OF_DICOM
from spinetk.structures import BODY_KIND, RANKS, SPINE_CLASSES
from spinetk.study import Modality

PICTURE_FORMATS: dict[str, Callable[[Path, list[str]], Iterator[Picture]]] = {
    "labelme": labelme,
    "yolo": yolo,
    "coco": coco,
    "aasce": aasce,
}
VOLUME_FORMATS: dict[str, Callable[[Path, list[str]], Iterator[tuple[str, Path, Path]]]] = {
    "volumes": pairs,
    "verse": verse_pairs,
    "spider": spider_pairs,
}
SLICE_FORMATS: dict[str, Callable[[Path, list[str]], Iterator[OutlinedSlice]]] = {
    "dicom-seg": dicom_seg,
    "results": corrected_results,
}
FORMATS = (*VOLUME_FORMATS, *SLICE_FORMATS, *PICTURE_FORMATS)
OWN_MODALITY: dict[str, Modality] = {"verse": "CT", "spider": "MR", "aasce": "XR"}


FEWEST_PIXELS = 4
OUTSIDE = "outlines of next to no pixel, or outside the picture"
PATIENTS = {
    "spider": r"^(.+?)(?:_t1|_t2|_t2_SPACE)$",  # 12_t1, 12_t2_SPACE
    "aasce": r"-(\d+) ",  # sunhl-1th-03-Jan-2017-162 a ap: the case number
    # the study's part of a DICOM series' key
    "results": RESULT_OF_DICOM,
    "yolo": r"^(.+?)\.rf\.[0-9a-f]+$",  # Roboflow's altered copies of one picture
}
"""How a format's file names tell the patient."""
BIDS_PATIENT = r"sub-([A-Za-z0-9]+)"
"""Of every other format: names as BIDS has them (VerSe: sub-verse004_dir-ax)."""


@dataclass(frozen=True)
class Conversion:
    """What the format does not say.

    Attributes:
        modality: of the images; VerSe, SPIDER, AASCE and DICOM say it themselves.
        names: ITK-SNAP label descriptions for `volumes`; VerSe's numbers otherwise.
        whole_vertebrae: label volumes hold whole vertebrae (VerSe's and SPIDER's do).
        exhaustive: every visible instance of the classes that occur is annotated.
        patient: regular expression whose first group in a file's name is the patient. Without it
            every file is a patient of its own, but for the formats whose names tell (`PATIENTS`).
    """

    modality: Modality | None = None
    names: Path | None = None
    whole_vertebrae: bool = False
    exhaustive: bool = False
    patient: str | None = None


class Converted(NamedTuple):
    """What was written.

    Attributes:
        classes: outlines of each class; bodies and discs by level where it is known.
        strange: classes beside bodies and discs: misspelt levels, or other structures.
        lost: what was annotated and could not be taken over, and how often.
        pseudo: images whose outlines are a network's, and no person's.
    """

    images: int
    outlines: int
    patients: int
    classes: dict[str, int]
    strange: tuple[str, ...]
    lost: dict[str, int]
    pseudo: int


def convert(kind: str, folder: Path, out: Path, options: Conversion = Conversion()) -> Converted:
    """Write the data set `out`; see `Conversion` for what the format does not say.

    Args:
        kind: one of `FORMATS`.

    Raises:
        UsageError: the format is not known, or something is needed and not given.
        SpineError: nothing of this format is there, or a file does not fit.
    """
    if kind not in FORMATS:
        raise UsageError(f"format {kind}: one of {', '.join(FORMATS)}")
    if not folder.is_dir():
        raise UsageError("no such folder", folder)
    _refuse_what_does_nothing(kind, options)
    modality = OWN_MODALITY.get(kind, options.modality)
    if modality is None and kind not in SLICE_FORMATS:
        raise UsageError(f"format {kind} does not say what the images are: --modality mr, ct or xr")
    writer = DatasetWriter(out, {"source": f"converted from {kind}"})
    lost: list[str] = []
    try:
        _add_all(writer, kind, folder, options, modality, lost)
        if not writer.images:
            more = f" (looked for: {LOOKED_FOR})" if kind == "volumes" else ""
            raise SpineError(f"nothing in the format {kind} was found{more}", folder)
    except BaseException as error:
        writer.discard()
        if isinstance(error, Exception) and not isinstance(error, SpineError | OSError):
            # what the formats' libraries raise of damaged files has no end
            raise SpineError(f"not in the format {kind} ({error!r})", folder) from error
        raise
    outlines = writer.close()
    notes = [note for item in writer.outlines for note in item]
    kinds = Counter(note["class"] for note in notes)
    levels = Counter(str(note["level"]) for note in notes if note["level"])
    strange = tuple(sorted(set(kinds) - set(SPINE_CLASSES)))
    return Converted(
        images=len(writer.images),
        outlines=outlines,
        patients=len({image["patient_id"] for image in writer.images}),
        classes=dict(sorted(kinds.items())) | dict(sorted(levels.items(), key=_neck_down)),
        strange=strange if len(strange) < len(kinds) else (),
        lost=dict(Counter(lost)),
        pseudo=sum(image["pseudo_labels"] for image in writer.images),
    )


def _refuse_what_does_nothing(kind: str, options: Conversion) -> None:
    """Refuse an option that the format has no use for: it would be believed to do something.

    Raises:
        UsageError: there is one.
    """
    if options.whole_vertebrae and kind not in (*VOLUME_FORMATS, "dicom-seg"):
        raise UsageError(
            f"--whole-vertebrae does nothing for {kind}: its outlines are taken as drawn"
        )
    if options.names is not None and kind not in VOLUME_FORMATS:
        raise UsageError(f"--names does nothing for {kind}: its labels have names")
    own = OWN_MODALITY.get(kind)
    if own and options.modality not in (None, own):
        raise UsageError(f"--modality {options.modality}: {kind} is {own}")


def _neck_down(level: tuple[str, int]) -> tuple[bool, float]:
    name, _, below = level[0].partition("-")
    return bool(below), RANKS.get(name, math.inf)


def _add_all(
    writer: DatasetWriter,
    kind: str,
    folder: Path,
    options: Conversion,
    modality: Modality | None,
    lost: list[str],
) -> None:
    if kind in PICTURE_FORMATS:
        _add_pictures(writer, kind, folder, options, modality or "XR", lost)
    elif kind in SLICE_FORMATS:
        for item in SLICE_FORMATS[kind](folder, lost):
            told = item.patient if options.patient is None else None
            outlines = item.outlines
            if kind == "dicom-seg":
                outlines = tuple(part for outline in outlines for part in single_parts(*outline))
            if options.whole_vertebrae:
                outlines = tuple(
                    (label, vertebral_body(m, item.spacing) if label[0] == BODY_KIND else m)
                    for label, m in outlines
                )
            writer.add(
                item.name, item.picture, outlines,
                patient=told or _patient(kind, item.series, options), series=item.series,
                modality=item.modality or modality or "MR", place=item.place, spacing=item.spacing,
                exhaustive=options.exhaustive, pseudo=item.pseudo,
            )  # fmt: skip
    else:
        numbers = spider_numbers() if kind == "spider" else verse_numbers(s1=kind == "volumes")
        if options.names is not None:
            numbers = itk_snap_names(options.names)
        whole = options.whole_vertebrae or kind in ("verse", "spider")
        for name, image, labels in VOLUME_FORMATS[kind](folder, lost):
            own = nnunet_names(labels, folder) if kind == "volumes" and not options.names else {}
            add_volume(
                writer, name, image, labels, own or numbers, modality=modality or "MR",
                patient=_patient(kind, name, options), whole_vertebrae=whole,
                exhaustive=options.exhaustive, lost=lost,
                guessed=kind == "volumes" and not own and options.names is None,
                own_numbers=bool(own) or options.names is not None,
            )  # fmt: skip


def _add_pictures(
    writer: DatasetWriter,
    kind: str,
    folder: Path,
    options: Conversion,
    modality: Modality,
    lost: list[str],
) -> None:
    for item in PICTURE_FORMATS[kind](folder, lost):
        seen = [outline for outline in item.outlines if outline[1].sum() >= FEWEST_PIXELS]
        lost += [OUTSIDE] * (len(item.outlines) - len(seen))
        whole = item.complete and len(seen) == len(item.outlines)
        writer.add(
            item.name, item.pixels, seen, patient=_patient(kind, item.name, options),
            modality=modality, view="ap" if kind == "aasce" else "sagittal",
            exhaustive=options.exhaustive and whole,
        )  # fmt: skip


def _patient(kind: str, name: str, options: Conversion) -> str:
    """The patient of a file: several pictures of one patient must not be divided between training
    and test."""
    if options.patient is None:
        found = re.search(PATIENTS.get(kind, BIDS_PATIENT), name)
        return found[1] if found else name
    try:
        found = re.search(options.patient, name)
    except re.error as error:
        raise UsageError("not a regular expression", f"patient {options.patient}") from error
    if found is None or not found.groups() or not found[1]:
        raise UsageError(f"finds no group in {name}", f"patient {options.patient}")
    return found[1]
