"""Name results after what a study knows its cases by: a folder, a patient's number, a template.

By default keys hold no identity. Whoever asks for one gets it, and only then.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pydicom

from spinetk.batch_options import OneStudy
from spinetk.case_places import is_dicom, own_name, place_in
from spinetk.errors import SpineError, UsageError, readable
from spinetk.readers.find import FoundSeries, with_unique_keys
from spinetk.readers.header_checks import file_stem
from spinetk.readers.label_names import is_named_as_labels
from spinetk.results.keys import numbered_key
from spinetk.results.provenance import SourceRow
from spinetk.study import Refusal

OF_HEADER = ("PatientID", "AccessionNumber", "StudyDate", "StudyID", "SeriesNumber",
             "SeriesDescription")  # fmt: skip
"""Attributes of a DICOM header that a key may hold."""
FIELDS = ("folder", "name", *OF_HEADER)
LONGEST = 100
"""Characters of a key: folders of slices and versions add theirs."""


def template_of(text: str) -> str:
    """What `--key-from` means: a field's name alone, or a template such as "{folder}_{name}".

    Raises:
        UsageError: it holds a field that is not known, or none.

    >>> template_of("folder"), template_of("{PatientID}-{SeriesNumber}")
    ('{folder}', '{PatientID}-{SeriesNumber}')
    """
    template = f"{{{text}}}" if text in FIELDS else text
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise UsageError(f"is no template ({error})", f"--key-from {text}") from error
    plain = all(not spec and not how for _, name, spec, how in parts if name is not None)
    names = [name for _, name, _, _ in parts if name is not None]
    if not names or not plain or not set(names) <= set(FIELDS):
        known = ", ".join(FIELDS)
        raise UsageError(f"one of {known}, or a template of them in braces", f"--key-from {text}")
    return template


def renamed(
    series: Sequence[FoundSeries], template: str, inputs: Sequence[Path]
) -> tuple[list[FoundSeries], list[Refusal]]:
    """The series under keys of the template. Where several get the same, their own keys are
    added, and then numbers; labels that lie beside an image add nothing to its key.

    Args:
        template: as `template_of` gives it.
        inputs: what the user named: folders are told from there.

    Returns:
        The series, and those that have no such value.
    """
    named: list[tuple[FoundSeries, str]] = []
    refused = []
    for item in series:
        try:
            named.append((item, _safe(template.format_map(_Values(item, inputs)))))
        except UsageError as error:
            refused.append(Refusal(item.place.name, error.reason))
    is_labels = [is_named_as_labels(item.place) for item, _ in named]
    everything = Counter(key for _, key in named)
    labels = Counter(key for (_, key), is_label in zip(named, is_labels, strict=True) if is_label)
    renewed = []
    for (item, key), is_label in zip(named, is_labels, strict=True):
        alone = everything[key] - (0 if is_label else labels[key]) == 1
        renewed.append(replace(item, key=key if alone else _safe(f"{key}_{own_name(item)}")))
    return with_unique_keys(renewed), refused


def with_folders(series: Sequence[FoundSeries], inputs: Sequence[Path]) -> list[FoundSeries]:
    """The series, those of files under their name after that of the folders that they lie in,
    from the input on; where that may be another file's, too, with a mark of the whole."""
    keys = []
    for item in series:
        folders = place_in(item, inputs).parent.parts[1:]
        given = "/".join((*folders, own_name(item)))
        key = _safe(given.replace("/", "_"))
        if len(folders) > 1 or "_" in "".join(folders) or key != given.replace("/", "_"):
            digest = hashlib.sha256(given.encode(errors="surrogateescape")).hexdigest()[:8]
            key = f"{key}-{digest}"
        keys.append(item.key if is_dicom(item) else key)
    return with_unique_keys(replace(i, key=key) for i, key in zip(series, keys, strict=True))


def called(series: Sequence[FoundSeries], studies: Sequence[OneStudy]) -> list[FoundSeries]:
    """The series of studies with a key of their own under that key; of several series of one study
    each has its own name after it."""
    owners = [next((s for s in studies if s.key and s.holds(item.place)), None) for item in series]
    counts = Counter(id(owner) for owner in owners)
    keys = []
    for item, owner in zip(series, owners, strict=True):
        key = _safe(owner.key) if owner and owner.key else item.key
        keys.append(_safe(f"{key}_{own_name(item)}") if owner and counts[id(owner)] > 1 else key)
    return with_unique_keys(replace(i, key=key) for i, key in zip(series, keys, strict=True))


def with_kept_keys(
    series: Sequence[FoundSeries], known: Sequence[SourceRow], inputs: Sequence[Path]
) -> list[FoundSeries]:
    """The series, those whose results are there under the keys of these; others get keys that no
    result has. So cases can be added to a cohort, and taken out, between two runs. What lies at
    the same place with another content keeps its key: somebody must say what is to become of it.

    Args:
        known: what results there are, and of which inputs.
    """
    if not known:
        return list(series)
    here = {id(item): readable(place_in(item, inputs).as_posix()) for item in series}
    places = {row.key: row.input for row in known}
    keys = _by_content(series, known, here)
    used = set(places)
    for item in series:
        if id(item) not in keys:
            key, count = item.key, 1
            while key in used and (places.get(key) != here[id(item)] or key in keys.values()):
                count += 1
                key = numbered_key(item.key, count)
            used.add(key)
            keys[id(item)] = key
    return [replace(item, key=keys[id(item)]) for item in series]


def _by_content(
    series: Sequence[FoundSeries], known: Sequence[SourceRow], here: dict[int, str]
) -> dict[int, str]:
    """The key of every series whose content has a result, by its `id`: each key once, and of copies
    the one that lies where the result's input lay."""
    rows: dict[str, list[SourceRow]] = {}
    for row in known:
        rows.setdefault(row.input_sha256, []).append(row)
    keys: dict[int, str] = {}
    waiting: list[tuple[FoundSeries, str]] = []
    for item in series:
        try:
            content = item.input_sha256
        except (OSError, SpineError):  # said when it is read
            continue
        if content not in rows:
            continue
        same = [row.key for row in rows[content] if row.input == here[id(item)]]
        if same and same[0] not in keys.values():
            keys[id(item)] = same[0]
        else:
            waiting.append((item, content))
    for item, content in waiting:
        free = [row.key for row in rows[content] if row.key not in keys.values()]
        if free:
            keys[id(item)] = free[0]
    return keys


class _Values(dict[str, str]):
    """Values of the fields, each looked up when it is asked for."""

    def __init__(self, item: FoundSeries, inputs: Sequence[Path]) -> None:
        super().__init__()
        self.item, self.inputs = item, inputs

    def __missing__(self, name: str) -> str:
        if name == "name":
            return own_name(self.item)
        if name == "folder":
            return _folder(self.item, self.inputs)
        return _of_header(self.item, name)


def _folder(item: FoundSeries, inputs: Sequence[Path]) -> str:
    place = place_in(item, inputs)
    if item.archive is not None:
        parts = (*place.parent.parts[1:], file_stem(place))
    elif is_dicom(item):
        parts = place.parts[1:] or place.parts
    else:
        parts = place.parent.parts[1:] or place.parent.parts
    if place == item.place and place.is_file():
        parts = place.absolute().parent.parts[-1:]
    return "_".join(parts) or item.place.absolute().parent.name


def _of_header(item: FoundSeries, name: str) -> str:
    value = ""
    if is_dicom(item):
        [path, *_] = item.content.files
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=[name], force=True)
        value = str(header.get(name) or "").strip()
    if not value:
        raise UsageError(f"has no {name}: name it otherwise, with --key-from", item.place.name)
    return value


def _safe(text: str) -> str:
    """A name that every file system takes, without spaces; letters of all languages stay."""
    plain = re.sub(r"[^\w.-]+", "_", text).strip("._")
    return plain.encode()[:LONGEST].decode(errors="ignore") or "series"
