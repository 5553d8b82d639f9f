"""Put headers together to series: by the UIDs, and not by them alone.

Archives and converters give several patients one Series UID, or every image of a series its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinetk.readers.dicom_headers import MODALITIES, Header
from spinetk.results.keys import dicom_key
from spinetk.warning import Warning

FEWEST_JOINED = 3
"""So many single images of their own Series UIDs make a series; fewer may be anything."""
APART_MM = 0.5
"""Images of one series lie further apart."""
EVEN = 1.2
"""Distances that differ by a smaller factor are the same."""


@dataclass(frozen=True)
class SeriesOfHeaders:
    """Headers of one patient, frame of reference and series.

    Attributes:
        key: hash of the study and number of the series; not unique.
        warnings: how it was put together.
    """

    key: str
    headers: tuple[Header, ...]
    warnings: tuple[Warning, ...] = ()


def series_of(headers: Iterable[Header]) -> list[SeriesOfHeaders]:
    """Series in the order of study and number.

    What one Series UID holds is parted by patient and frame of reference; single images of one
    study, patient, number, description and orientation with a UID each are put together, and
    without the same number where they lie evenly.
    """
    by_uid: dict[tuple[str, int, str], list[Header]] = defaultdict(list)
    patients: dict[str, set[str]] = defaultdict(set)
    persons: dict[str, set[str]] = defaultdict(set)
    for header in headers:
        by_uid[header.study, header.series_number, header.series].append(header)
        if header.is_image and header.patient:
            patients[header.study].add(header.patient)
            persons[header.study] |= {header.person} - {""}
    found: list[SeriesOfHeaders] = []
    for (study, number, _), together in sorted(by_uid.items()):
        for patient, part, told in _parted(together):
            # a study that two patients share is two
            person = patient + (part[0].person if len(persons[study]) > 1 else "")
            alone = len(patients[study]) <= 1 and len(persons[study]) <= 1
            name = study if alone else f"{study} {person}"
            found.append(SeriesOfHeaders(dicom_key(name, number), tuple(part), told))
    return _joined(found)


def _parted(
    together: Sequence[Header],
) -> list[tuple[str, list[Header], tuple[Warning, ...]]]:
    """(patient, headers, what is said) of what has one Series UID. Notes without a frame of
    reference stay with the first."""
    named = {header.patient for header in together if header.is_image and header.patient}
    people: dict[str, list[Header]] = defaultdict(list)
    for header in together:  # who is not named may be the only one who is
        known = header.patient if header.patient in named or len(named) != 1 else min(named)
        people[known].append(header)
    out = []
    persons = [part for own in people.values() for part in _by_name(own)]
    for own in persons:
        patient = own[0].patient
        frames: dict[str, list[Header]] = defaultdict(list)
        for header in own:
            frames[header.frame_of_reference if header.is_image else ""].append(header)
        if len(frames) > 2 and max(map(len, frames.values())) == 1:
            frames = {"": list(own)}  # de-identified: every image has a frame of its own
        if len(frames) > 1 and "" in frames:
            rest = frames.pop("")
            next(iter(frames.values())).extend(rest)
        told = []
        if len(persons) > 1:
            text = f"images of {len(persons)} patients have one Series UID: kept apart"
            told.append(Warning("several-patients", text))
        if len({header.person for header in own if header.person and header.is_image}) > 1:
            told.append(Warning("joined", "the patient's name is written in several ways"))
        if len(frames) > 1:
            text = f"{len(frames)} frames of reference in one series: taken as as many series"
            told.append(Warning("split", text))
        out += [(patient, part, tuple(told)) for part in frames.values()]
    return out


def _by_name(own: Sequence[Header]) -> list[list[Header]]:
    """People of one number: de-identification may give all the same. Who has no name stays with
    the first."""
    names = list(dict.fromkeys(h.person for h in own if h.person and h.is_image))
    if len(names) < 2 or _one_stack(own):  # a name that was corrected, or is written in two ways
        return [list(own)]
    return [
        [h for h in own if h.person == name or (name == names[0] and h.person not in names)]
        for name in names
    ]


def _one_stack(own: Sequence[Header]) -> bool:
    """Whether images of two names make one stack only together: of one study and frame of
    reference, each at a place of its own and all of them as far from the next."""
    images = [header for header in own if header.is_image]
    frames = {header.frame_of_reference for header in images}
    alike = len({(header.study, header.shape, _lies(header)) for header in images}) == 1
    return alike and len(frames) == 1 and "" not in frames and _evenly_apart(images)


def _joined(found: Sequence[SeriesOfHeaders]) -> list[SeriesOfHeaders]:
    """Single images that are one series but for their UID, put together; and, where they also are
    numbered one by one, those that lie evenly."""
    together = _joined_by(found, lambda item: item.key, _at_different_places)
    return _joined_by(
        together,
        lambda item: (
            (item.headers[0].study, item.headers[0].kind)
            if item.headers[0].description
            else id(item)
        ),
        _evenly_apart,
    )


def _joined_by(
    found: Sequence[SeriesOfHeaders],
    own: Callable[[SeriesOfHeaders], object],
    fit: Callable[[Sequence[Header]], bool],
) -> list[SeriesOfHeaders]:
    """Single images of one patient, description, size and orientation put together.

    Args:
        own: what else they must have in common.
        fit: whether they lie as the images of a series do.
    """
    single: dict[tuple[object, ...], list[SeriesOfHeaders]] = defaultdict(list)
    for item in found:
        first = item.headers[0]
        if len(item.headers) == 1 and first.geometry is not None and not first.is_film:
            single[
                own(item), first.patient, first.description,
                MODALITIES.get(first.modality), first.shape, _lies(first),
            ].append(item)  # fmt: skip
    groups = {id(item): group for group in single.values() for item in group}
    out: list[SeriesOfHeaders] = []
    for item in found:
        same = groups.get(id(item), [])
        if len(same) < FEWEST_JOINED or not fit([o.headers[0] for o in same]):
            out.append(item)
        elif same[0] is item:
            text = f"{len(same)} images with a Series UID each: taken as one series"
            headers = tuple(other.headers[0] for other in same)
            out.append(SeriesOfHeaders(item.key, headers, (Warning("joined", text),)))
    return out


def _lies(header: Header) -> str:
    """How an image is turned, as far as images of one series may differ."""
    if header.geometry is None:
        return ""
    return str(np.round((header.geometry.along_row, header.geometry.along_column), 1).tolist())


def _gaps(headers: Sequence[Header]) -> NDArray[np.float64]:
    """Distances in mm from each image to the next."""
    geometries = [header.geometry for header in headers if header.geometry is not None]
    if not geometries:
        return np.zeros(0)
    depth = np.sort([float(np.dot(g.origin, geometries[0].normal)) for g in geometries])
    return np.diff(depth)


def _at_different_places(headers: Sequence[Header]) -> bool:
    return bool((_gaps(headers) > APART_MM).all())


def _evenly_apart(headers: Sequence[Header]) -> bool:
    gaps = _gaps(headers)
    if len(gaps) < FEWEST_JOINED - 1 or any(header.geometry is None for header in headers):
        return False
    return bool(gaps.min() > APART_MM and gaps.max() < EVEN * gaps.min())
