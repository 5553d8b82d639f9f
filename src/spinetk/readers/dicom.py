"""Read DICOM: headers -> stacks -> films, sagittal slices, or sagittal cuts of other planes.

Identity stays in the files: a `Series` holds the hash of the study UID, never a name or number.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spinetk.errors import UnreadableInput
from spinetk.readers.dicom_headers import MODALITIES, Header, is_dicom, scan
from spinetk.readers.dicom_series import series_of
from spinetk.readers.dicom_slices import is_upright, read_stack
from spinetk.readers.dicom_stacks import Stack, even_parts, stacks
from spinetk.readers.header_checks import short
from spinetk.readers.reader import Content
from spinetk.readers.reformat import head_first, plan_cuts
from spinetk.readers.whole_spine import put_together, whole_spines
from spinetk.results.keys import whole_key
from spinetk.study import Refusal, Series


@dataclass(frozen=True)
class DicomContent:
    """The images of one series, in order.

    Attributes:
        key: hash of the study and number of the series.
    """

    key: str
    stack: Stack

    @property
    def place(self) -> Path:
        """The folder of the first image."""
        return self.stack.first.frame.path.parent

    @property
    def sha256(self) -> str:
        """SHA-256 of the UIDs and frame numbers of the images."""
        frames = [header.frame for header in self.stack.headers]
        images = sorted(f"{frame.uid} {frame.number}" for frame in frames)
        return hashlib.sha256("\n".join(images).encode()).hexdigest()

    @property
    def files(self) -> tuple[Path, ...]:
        """Those of the images."""
        return tuple(dict.fromkeys(header.frame.path for header in self.stack.headers))

    def read(self) -> tuple[Series, list[Refusal]]:
        """The series, and the images that could not be decoded."""
        return read_stack(self.key, self.stack)


@dataclass(frozen=True)
class StationsContent:
    """Stations of a whole spine, which are put together when they are read.

    Attributes:
        key: hash of the study, and that it is the whole.
        stations: from above.
    """

    key: str
    stations: tuple[DicomContent, ...]

    @property
    def place(self) -> Path:
        """The folder of the first image."""
        return self.stations[0].place

    @property
    def sha256(self) -> str:
        """Of what tells the stations from others."""
        return hashlib.sha256("\n".join(one.sha256 for one in self.stations).encode()).hexdigest()

    @property
    def files(self) -> tuple[Path, ...]:
        """Those of all stations."""
        return tuple(path for one in self.stations for path in one.files)

    def read(self) -> tuple[Series, list[Refusal]]:
        """The stations on one grid; what cannot be decoded is said of the stations themselves."""
        return put_together(self.key, [one.read()[0] for one in self.stations]), []


@dataclass(frozen=True)
class DicomReader:
    """DICOM files under any name, wherever those of one series lie."""

    one_file_each: bool = False

    def claims(self, path: Path) -> bool:
        """Whether the file begins as a DICOM file does."""
        return is_dicom(path)

    def find(self, paths: Sequence[Path]) -> tuple[list[Content], list[Refusal]]:
        """The stacks of images in files, and what stations of one spine make together."""
        found, refused = find_stacks(paths)
        single = {id(stack): DicomContent(key, stack) for key, stack in found}
        whole = []
        for spine in whole_spines([stack for _, stack in found]):
            stations = tuple(single[id(stack)] for stack in spine)
            whole.append(StationsContent(whole_key(stations[0].key), stations))
        return [*single.values(), *whole], refused


def find_stacks(paths: Sequence[Path]) -> tuple[list[tuple[str, Stack]], list[Refusal]]:
    """Put DICOM files together to what can be segmented, by their headers alone.

    Returns:
        Stacks with their keys (not unique) in the order of study and series number, and what was
        not taken.
    """
    refused: list[Refusal] = []
    headers: list[Header] = []
    for path, found in scan(paths):
        if isinstance(found, Exception):
            why = f"damaged DICOM header ({short(found, path)})"
            if isinstance(found, UnreadableInput) and found.place:  # it says all itself
                why = found.about(path.name)
            refused.append(Refusal(path.name, why))
        else:
            headers += found
    usable: list[tuple[str, Stack]] = []
    for group in series_of(headers):
        key = group.key
        refused += _passed_over(key, group.headers)
        slices = [h for h in group.headers if h.is_image and h.projection is None]
        if not slices:
            continue
        try:
            parts = [part for stack in stacks(slices) for part in _parts(stack)]
        except UnreadableInput as error:
            refused.append(Refusal.of(key, error))
            continue
        for part in parts:
            part = replace(part, warnings=(*group.warnings, *part.warnings))
            try:
                if not is_upright(part):
                    plan_cuts(head_first(part))
                usable.append((key, part))
            except UnreadableInput as error:
                refused.append(Refusal.of(key, error))
    return usable, refused


def _passed_over(key: str, headers: Sequence[Header]) -> list[Refusal]:
    """What lies in a series and is no slice: notes, presentations and raw data; projections."""
    why = Counter(
        header.projection
        if header.is_image
        else f"modality {header.modality} is not MR, CT or X-ray"
        if header.modality not in MODALITIES
        else "holds no pixels"
        for header in headers
    )
    return [
        Refusal(key, reason if count == 1 else f"{count} images: {reason}", False)
        for reason, count in why.items()
        if reason is not None
    ]


def _parts(stack: Stack) -> list[Stack]:
    """A stack of another plane in parts, where it can only be cut in parts."""
    return [stack] if is_upright(stack) else even_parts(stack)
