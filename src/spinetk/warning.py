"""What a reader of a result must know, as data: programs go by the code, people read the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["note", "check"]
Subject = Literal["input", "instances", "outputs"]


@dataclass(frozen=True)
class Kind:
    """What a code means for whoever reads it.

    Attributes:
        severity: "note": what was done, or is not known; "check": a person should look before the
            numbers are used.
        subject: what it is about. What is about instances and outputs holds no longer where a
            person corrected them.
    """

    severity: Severity
    subject: Subject


EARLIER = "earlier-version"
"""Of a warning that a version wrote that knew no codes."""

KINDS: dict[str, Kind] = {
    "no-spacing": Kind("note", "input"),
    "spacing-missing": Kind("check", "input"),
    "orientation-assumed": Kind("note", "input"),
    "modality-assumed": Kind("note", "input"),
    "modality-changed": Kind("check", "input"),
    "other-modality-network": Kind("check", "input"),
    "spacing-not-used": Kind("note", "input"),
    "detector-spacing": Kind("check", "input"),
    "burned-in-text": Kind("note", "input"),
    "values-replaced": Kind("check", "input"),
    "first-page": Kind("note", "input"),
    "frames-chosen": Kind("note", "input"),
    "reformatted": Kind("note", "input"),
    "coarse": Kind("check", "input"),
    "geometry-contradicts": Kind("check", "input"),
    "picture": Kind("note", "input"),
    "tilted": Kind("note", "input"),
    "split": Kind("note", "input"),
    "put-together": Kind("note", "input"),
    "joined": Kind("check", "input"),
    "several-patients": Kind("check", "input"),
    "value-repaired": Kind("check", "input"),
    "not-hounsfield": Kind("check", "input"),
    "turned": Kind("check", "input"),
    "other-column": Kind("check", "instances"),
    "partial": Kind("check", "input"),
    "left-out": Kind("check", "input"),
    "uneven": Kind("check", "input"),
    "same-uid": Kind("check", "input"),
    "smaller-slice": Kind("check", "instances"),
    "few-bodies": Kind("check", "instances"),
    "low-score": Kind("check", "instances"),
    "level-unknown": Kind("note", "instances"),
    "level-unsure": Kind("check", "instances"),
    "looks-against-sacrum": Kind("check", "instances"),
    "low-quality": Kind("check", "instances"),
    "sacrum-not-lowest": Kind("check", "instances"),
    "anchor-against-sacrum": Kind("check", "instances"),
    "anchor-against-looks": Kind("check", "instances"),
    "body-missing": Kind("check", "instances"),
    "small-sacrum": Kind("check", "instances"),
    "disc-twice": Kind("check", "instances"),
    "not-written": Kind("note", "outputs"),
    EARLIER: Kind("check", "input"),
}
"""Every code that there is."""


@dataclass(frozen=True)
class Warning:
    """One thing that a reader of a result must know.

    Attributes:
        code: one of `KINDS`; a later version may have written another.
        text: one line for people; holds no path and no words of the header.
    """

    code: str
    text: str

    @property
    def kind(self) -> Kind:
        """What the code means; of one that is not known: to be checked."""
        return KINDS.get(self.code, KINDS[EARLIER])

    @property
    def severity(self) -> Severity:
        """ "note" or "check"."""
        return self.kind.severity

    def to_json(self) -> dict[str, str]:
        """As it stands in run.json."""
        return {"code": self.code, "severity": self.severity, "text": self.text}

    @classmethod
    def from_json(cls, content: dict[str, str] | str) -> Warning:
        """Read what `to_json` wrote, or the text alone of an earlier version."""
        if isinstance(content, str):
            return cls(EARLIER, content)
        return cls(content["code"], content["text"])
