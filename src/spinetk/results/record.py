"""run.json: how a result came about."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from spinetk.atomic import whole_file
from spinetk.errors import SpineError
from spinetk.results import keys
from spinetk.study import Correction, Judgement, Modality, SliceCount, Source
from spinetk.warning import Warning

FILE = "run.json"


WRITTEN = re.compile(r"(instances|angles)\.csv|instances\.coco\.json|(image|mask)\.nii\.gz"
                     r"|overlay\.png|report\.html|(seg|sr|capture|rtstruct)\.dcm")  # fmt: skip
"""Files of a result that are never empty."""


@dataclass(frozen=True)
class UsedModel:
    """The network that a result was made with; `sha256` is that of its files."""

    name: str
    sha256: str
    date: str | None = None


@dataclass(frozen=True)
class Record:
    """Everything that run.json says. It holds no path, name or number of the patient.

    Attributes:
        spinetk, python, libraries: versions.
        options: what the user asked for, as plain JSON types; "slice" is "auto", "all" or an index.
        input_sha256: tells the input from others; None in results of early versions.
        n_slices: of the series.
        selected_slice: index of the segmented slice; `instance_number` is that of its image.
        slices: what was found on each slice that was searched.
        bodies, discs: number of each.
        entropy_bins: the rule of the entropy's histogram, in words.
        seconds: time of each step.
        verdict, reasons: whether the numbers can be used ("ok", "check", "reject") and why not, the
            weightiest first; None in results of early versions.
        correction: None for what the network gave.
    """

    spinetk: str
    python: str
    libraries: dict[str, str]
    model: UsedModel
    options: dict[str, Any]
    key: str
    modality: Modality | None
    source: Source
    input_sha256: str | None
    n_slices: int
    selected_slice: int
    instance_number: int | None
    slices: tuple[SliceCount, ...]
    bodies: int
    discs: int
    entropy_bins: str
    seconds: dict[str, float]
    warnings: tuple[Warning, ...]
    verdict: Judgement | None = None
    reasons: tuple[str, ...] = ()
    correction: Correction | None = None

    @property
    def original_key(self) -> str:
        """The key of the result that this version comes from; of what is no version, its own."""
        return keys.original_key(self.key, corrected=self.correction is not None)

    @property
    def series_key(self) -> str:
        """The key of the series that the result belongs to."""
        asked = self.options.get("slice")
        return keys.series_key(
            self.key,
            corrected=self.correction is not None,
            slice_index=asked if isinstance(asked, int) else None,
        )

    def to_json(self) -> dict[str, Any]:
        """The content of run.json as plain JSON types."""
        return {
            **asdict(self),
            "slices": [
                {
                    "index": count.index,
                    "instance_number": count.number,
                    "bodies": count.bodies,
                    "discs": count.discs,
                    "area_px": round(count.area, 1),
                }
                for count in self.slices
            ],
            "seconds": {step: round(value, 4) for step, value in self.seconds.items()},
            "warnings": [warning.to_json() for warning in self.warnings],
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Record:
        """Read what `to_json` wrote, by this version or an earlier one.

        Raises:
            SpineError: a field is missing, or is not what it should be.
        """
        try:
            correction = content.get("correction")
            record = cls(
                spinetk=str(content["spinetk"]),
                python=str(content.get("python", "")),
                libraries=dict(content.get("libraries", {})),
                model=UsedModel(**content["model"]),
                options=content["options"],
                key=str(content["key"]),
                modality=content["modality"],
                source=content["source"],
                input_sha256=content.get("input_sha256"),
                n_slices=int(content["n_slices"]),
                selected_slice=int(content["selected_slice"]),
                instance_number=content.get("instance_number"),
                slices=tuple(
                    SliceCount(
                        int(item["index"]), int(item["bodies"]), int(item["discs"]),
                        float(item["area_px"]), item.get("instance_number"),
                    )
                    for item in content["slices"]
                ),
                bodies=int(content["bodies"]),
                discs=int(content["discs"]),
                entropy_bins=str(content.get("entropy_bins", "")),
                seconds={str(k): float(v) for k, v in content.get("seconds", {}).items()},
                warnings=tuple(map(Warning.from_json, content.get("warnings", ()))),
                verdict=content.get("verdict"),
                reasons=tuple(str(reason) for reason in content.get("reasons", ())),
                correction=None
                if correction is None
                else Correction(**{**correction, "changes": tuple(correction["changes"])}),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise SpineError(f"is not as SpineTK writes it ({error})", FILE) from error
        texts = [text for warning in record.warnings for text in (warning.code, warning.text)]
        sound = (
            record.modality in (None, *get_args(Modality))
            and record.verdict in (None, *get_args(Judgement))
            and record.source in get_args(Source)
            and 0 <= record.selected_slice < record.n_slices
            and isinstance(record.options, dict)
            and isinstance(content.get("warnings", []), list)
            and all(isinstance(text, str) for text in texts)
            and isinstance(record.model.name, str)
            and isinstance(record.model.sha256, str)
        )
        if not sound:
            raise SpineError("is not as SpineTK writes it", FILE)
        return record


def write_record(folder: Path, record: Record) -> None:
    """Write run.json into the folder of a result; it is on the disk when this returns, so that no
    power cut leaves a result with an empty record."""
    with whole_file(folder / FILE, synced=True) as path:
        path.write_text(json.dumps(record.to_json(), indent=2) + "\n", encoding="utf-8")


def is_result(folder: Path) -> bool:
    """Whether a folder is a result that SpineTK wrote (it holds its run.json)."""
    try:
        if not (folder / FILE).is_file():  # a pipe would keep us waiting
            return False
        with (folder / FILE).open(encoding="utf-8") as stream:
            return '"spinetk":' in stream.read(200)
    except (OSError, ValueError):  # ValueError: no text, or a name that no file can have
        return False


def read_record(folder: Path) -> Record:
    """The record of a result; its key is the folder's name.

    Raises:
        SpineError: it cannot be read.
    """
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return Record.from_json(content | {"key": folder.name})
    except (OSError, ValueError, TypeError, RecursionError, SpineError) as error:
        raise SpineError(f"its {FILE} cannot be read", folder.name) from error


def whole_record(folder: Path) -> Record | None:
    """The record of a result; None where none is there, or a power cut or another process that is
    just replacing it leaves nothing to read."""
    try:
        return read_record(folder) if is_result(folder) else None
    except SpineError:
        return None


def is_whole(folder: Path) -> bool:
    """Whether a result can be kept: a fall of the system may leave empty files of it. What others
    put there says nothing."""
    if not whole_record(folder):
        return False
    ours = (path for path in folder.iterdir() if WRITTEN.fullmatch(path.name) and path.is_file())
    return all(path.stat().st_size for path in ours)
