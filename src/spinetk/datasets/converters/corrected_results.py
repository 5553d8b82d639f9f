"""Results of `spinetk segment` as labels: masks that a person corrected, on the page, in ITK-SNAP
or 3D Slicer. What nobody touched is the network's own."""

from __future__ import annotations

import contextlib
import csv
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinetk.datasets.converters.names import Label, class_of
from spinetk.datasets.converters.parsed import dicom_of
from spinetk.datasets.writer import OutlinedSlice, eight_bit, grey_window, hashed_patient
from spinetk.errors import SpineError, UnreadableInput
from spinetk.orientation import upright
from spinetk.readers.grids import onto_grid
from spinetk.readers.values import whole_labels
from spinetk.readers.volume_files import label_names, open_volume
from spinetk.results.folders import results_below
from spinetk.results.keys import study_part
from spinetk.results.looks import decisions_in
from spinetk.results.record import Record
from spinetk.results.reopen import IMAGE, INSTANCES, read_slice
from spinetk.results.versions import latest
from spinetk.rle import decode_rle
from spinetk.structures import (
    BODY_KIND,
    DISC_KIND,
    SPINE_CLASSES,
    UNNAMED_BODY,
    UNNAMED_OTHER,
    level_of_number,
)


def corrected_results(folder: Path, lost: list[str]) -> Iterator[OutlinedSlice]:
    """Every result below a folder that has its image and mask as NIfTI, in its last version.

    A mask that is as the network gave it is marked as pseudo-labels, whether somebody accepted it
    or not: a network that was evaluated on it would be held against itself. What a person rejected
    (reviews.csv) is left out.

    Args:
        lost: receives a reason for each result that is left out, and for each label number that is
            none of SpineTK's.

    Raises:
        SpineError: a mask does not lie on its image.
    """
    records = results_below(folder)
    names_of = Counter(place.name for place in records)

    def study(place: Path, record: Record) -> str | tuple[Path, str]:
        """Whose a result is: keys that are no study's are a folder's own."""
        return study_part(place.name) or (place.parent, record.original_key)

    patients: dict[str | tuple[Path, str], str] = {}  # not every result of one has DICOM files
    for place, record in records.items():
        patient = _patient(place)
        if patient is not None:
            patients[study(place, record)] = patient
    newest = latest(records)
    lost += ["results with a later version"] * (len(records) - len(newest))
    said = {parent: decisions_in(parent) for parent in {place.parent for place in newest}}
    for place, record in newest.items():
        if said[place.parent].get(place.name) == "reject":
            lost.append("results that a person rejected")
            continue
        mask = _corrected(place)
        if not (place / IMAGE).is_file() or mask is None:
            lost.append("results without image.nii.gz and mask.nii.gz")
            continue
        stored = read_slice(place, record)
        labels = _labels(mask, place / IMAGE)
        notes = _notes(place)
        own = record.correction is None and _is_untouched(place, notes, labels, lost)
        view = upright(stored)
        outlines = []
        values = np.unique(labels[labels > 0]).astype(int).tolist()
        bodies = {level for value in values if (level := level_of_number(value))}
        names, known = label_names(mask), _levels(notes)
        for value in values:
            label = _label(value, names, known, bodies)
            if label is None:
                called = f" ({names[value]})" if value in names else ""
                lost.append(f"labels numbered {value}{called}, which is no body or disc here")
            else:
                outlines.append((label, view.turn.apply(labels == value)))
        inside = place.relative_to(folder).parts
        name = place.name if names_of[place.name] == 1 else "_".join(inside)
        low, high = grey_window([stored], record.modality)
        if stored.pixels.min() >= 0 and stored.pixels.max() <= 255:  # a picture stays as it is
            low, high = 0.0, 255.0
        yield OutlinedSlice(
            name=name,
            series=name,
            picture=eight_bit(view.turn.apply(stored.pixels), low, high),
            outlines=tuple(outlines),
            patient=patients.get(study(place, record)),
            modality=record.modality,
            place=(record.selected_slice, record.n_slices),
            spacing=view.spacing,
            pseudo=own,
        )


Notes = list[dict[str, Any]]
"""Annotations of a result's COCO file."""
NOBODY_KNOWS = (
    "results without instances.coco.json and instances.csv, by which to tell whether their masks "
    "were corrected: taken as the network's own"
)


def _is_untouched(place: Path, notes: Notes, labels: NDArray[np.int_], lost: list[str]) -> bool:
    """Whether labels [H, W] are those that the result was written with, by its COCO file or,
    without that, by the numbers and areas in its table. So they are taken to be where it has
    neither, which is told."""
    if notes:
        written = np.zeros_like(labels)
        try:
            for note in notes:
                written[decode_rle(note["segmentation"])] = note["label"]
            return bool(np.array_equal(written, labels))
        except (KeyError, TypeError, ValueError, IndexError):
            pass  # not as it is written here
    try:
        with (place / "instances.csv").open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        own = {int(row["label"]): round(float(row["area_px"])) for row in rows}
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        lost.append(NOBODY_KNOWS)
        return True
    values, areas = np.unique(labels[labels > 0], return_counts=True)
    return dict(zip(values.tolist(), areas.tolist(), strict=True)) == own


MASKS = tuple(
    f"{name}*{suffix}"
    for name in ("mask", "Mask", "Segmentation", "segmentation", "label", "Untitled")
    for suffix in (".nii", ".nii.gz", ".nrrd", ".mha")
)
"""What programs call a corrected mask; the newest is the correction."""


COPIED_SECONDS = 2.0
"""Copies of a folder's files are written so near to each other."""


def _corrected(place: Path) -> Path | None:
    """The corrected mask of a result: the newest of its masks.

    Raises:
        SpineError: their times do not tell, since they were copied, and they differ.
    """
    masks = {path for pattern in MASKS for path in place.glob(pattern) if path.is_file()}
    newest = sorted(masks, key=lambda path: (-path.stat().st_mtime, path.name))
    if len(newest) > 1:
        apart = newest[0].stat().st_mtime - newest[1].stat().st_mtime
        same = newest[0].read_bytes() == newest[1].read_bytes()
        if apart < COPIED_SECONDS and not same:
            names = " and ".join(sorted(path.name for path in newest[:2]))
            why = f"{names} are of one time: leave the corrected one alone in the folder"
            raise SpineError(why, place.name)
    return newest[0] if newest else None


def _labels(mask: Path, image: Path) -> NDArray[np.int_]:
    """Labels [H, W] on the image's slice, whatever axes the mask is stored with.

    Raises:
        SpineError: it lies elsewhere (the mask of another slice, say), or its values are no labels.
    """
    try:
        on_image = onto_grid(open_volume(mask), open_volume(image))
        values = np.concatenate(list(on_image.slabs(64)), axis=2)
        whole = whole_labels(mask.name, values.astype(np.float32))
    except UnreadableInput as error:
        raise SpineError(error.reason, f"{image.parent.name}/{mask.name}") from error
    return np.squeeze(whole.astype(int), axis=2).T


def _patient(folder: Path) -> str | None:
    """The hash of the PatientID that a result's own DICOM files bear."""
    for name in ("seg.dcm", "sr.dcm"):
        with contextlib.suppress(SpineError):
            patient = dicom_of(folder / name, pixels=False).get("PatientID")
            if patient:
                return hashed_patient(str(patient))
    return None


OWN_NUMBER = re.compile(r"(?:segment|label|class)?[ _-]*(\d+)", re.IGNORECASE)
"""How a program calls the segments of a label map that names none: by the map's numbers."""


def _label(
    value: int, names: Mapping[int, str], known: Mapping[int, Label], bodies: Collection[str]
) -> Label | None:
    """What a value means. One that the mask's own header names is what that says, and never a
    number of ours: programs number their segments anew."""
    if value in names:
        label = class_of(names[value])
        if label[0] in SPINE_CLASSES:
            return label
        found = OWN_NUMBER.fullmatch(names[value].strip())
        if found is None:
            return None
        value = int(found[1])
    return known.get(value) or _meaning(value, bodies)


def _meaning(value: int, bodies: Collection[str]) -> Label | None:
    """Class and level of a label number (`spinetk.structures`) beside these bodies."""
    if UNNAMED_BODY < value < UNNAMED_OTHER:
        return BODY_KIND, None
    if UNNAMED_OTHER < value < UNNAMED_OTHER + 100:
        return DISC_KIND, None
    level = level_of_number(value, bodies)
    return None if level is None else (DISC_KIND if "-" in level else BODY_KIND, level)


def _levels(notes: Notes) -> dict[int, Label]:
    """Class and level of the numbers that the result itself gave, where it has its COCO file."""
    try:
        return {note["label"]: (note["class"], note["level"]) for note in notes}
    except (KeyError, TypeError):
        return {}


def _notes(folder: Path) -> Notes:
    """The annotations of a result's COCO file with their class; none where it has none."""
    try:
        content = json.loads((folder / INSTANCES).read_text(encoding="utf-8"))
        names = {item["id"]: item["name"] for item in content["categories"]}
        return [note | {"class": names[note["category_id"]]} for note in content["annotations"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
