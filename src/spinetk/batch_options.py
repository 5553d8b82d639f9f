"""What a run of `spinetk segment` is asked for, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from spinetk.study import Modality, Refusal
from spinetk.warning import Warning
from spinetk.writers.formats import USUAL_FORMATS

Progress = Callable[[str, int, int], None]
"""Called with what is under way, how much of it is done, and of how much."""


@dataclass(frozen=True)
class OneStudy:
    """What is asked of one of many studies.

    Attributes:
        path: of the study: a file, or a folder with all its series.
        root: the folder of the list, from which the path is told.
        key: what its result is called; None leaves that to the others' rule.
        changes: fields of `Options` that are others for it.
    """

    path: Path
    root: Path
    key: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    def holds(self, place: Path) -> bool:
        """Whether a series that lies there belongs to the study."""
        return place == self.path or place.is_relative_to(self.path)


@dataclass(frozen=True)
class Options:
    """What `spinetk segment` was asked for.

    Attributes:
        modality: None takes it from the file.
        slices: "auto" selects one, "all" takes each in turn, a number takes that one; "per-body"
            selects one and also measures each structure on the slice that shows it best.
        around: measure on so many slices around the selected one, too; None on that one only.
        model: a shipped network's name or a path; None goes by modality.
        score: threshold 0..1; None takes the model card's.
        reference: file of a reference group that values are held against, too.
        pyradiomics: parameter file of PyRadiomics, whose features are written, too.
        device: what the network is run on (`network.devices`).
        overwrite: replace results that are there.
        keep: leave series alone whose results are there: an interrupted run goes on.
        spacing: (row, column) in mm of images whose file does not say it.
        view: "ap" or "lateral", of films and pictures whose file does not say how they lie.
        key_from: template of the keys (`case_names.template_of`); None leaves the readers'.
        sources: write sources.csv, which names the inputs.
        studies: what is asked of single ones.
        shard: (I, N): segment the I-th of N parts of the series, that other processes share.
        told: what every result must say of the input, as that only a part of it came.
        apart: it is one of many studies that are fetched one at a time (`one_by_one`): who asked
            for them keeps the account, and keys of files tell their folder, for the files that
            they must differ from are not at hand.
        started: when a run over many studies began, in seconds since 1970: results that are newer
            are of its other studies.
    """

    modality: Modality | None = None
    slices: Literal["auto", "all", "per-body"] | int = "auto"
    around: int | None = None
    formats: tuple[str, ...] = USUAL_FORMATS
    model: str | None = None
    score: float | None = None
    anchor: tuple[str, int] | None = None
    reference: Path | None = None
    pyradiomics: Path | None = None
    device: str = "cpu"
    overwrite: bool = False
    keep: bool = False
    spacing: tuple[float, float] | None = None
    view: str | None = None
    key_from: str | None = None
    sources: bool = False
    studies: tuple[OneStudy, ...] = ()
    shard: tuple[int, int] | None = None
    told: tuple[Warning, ...] = ()
    apart: bool = False
    started: float | None = None


def options_of(options: Options, place: Path) -> Options:
    """The options for a series that lies there."""
    own = next((study for study in options.studies if study.holds(place)), None)
    return replace(options, **own.changes) if own else options


@dataclass
class Outcome:
    """What became of an input, or of one of its series; it grows with each of them.

    Attributes:
        done: a row of the summary for each result, and as "source" the file or folder that it is
            of, which no file says: folders may bear a patient's name.
        failed: key or file name, and reason.
        passed_over: intact files and series of a kind that is not segmented.
        other_files: number of files of other kinds that lay among the input.
        read: number of series whose pixels could be read.
        kept: keys of results that were there and were left alone.
        told: key, and what is to be known of it.
    """

    done: list[dict[str, Any]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    passed_over: list[Refusal] = field(default_factory=list)
    other_files: int = 0
    read: int = 0
    kept: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)

    def refuse(self, refused: Iterable[Refusal]) -> None:
        """Take account of what was not read."""
        for item in refused:
            if item.failed:
                self.failed.append((item.name, item.reason))
            else:
                self.passed_over.append(item)

    def add(self, other: Outcome) -> None:
        """Take account of another series."""
        self.done += other.done
        self.failed += other.failed
        self.passed_over += other.passed_over
        self.other_files += other.other_files
        self.read += other.read
        self.kept += other.kept
        self.told += other.told
