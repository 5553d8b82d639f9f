"""What a reader of a result must know, as data: programs go by the code, people read the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["note", "check"]

SEVERITIES: dict[str, Severity] = {
    # of the input
    "no-spacing": "note",
    "orientation-assumed": "note",
    "modality-assumed": "note",
    "modality-changed": "check",
    "other-modality-network": "check",
    "spacing-not-used": "note",
    "detector-spacing": "check",
    "burned-in-text": "note",
    "values-replaced": "check",
    "first-page": "note",
    "frames-chosen": "note",
    "reformatted": "note",
    "tilted": "note",
    "split": "note",
    "left-out": "check",
    "uneven": "check",
    "same-uid": "check",
    # of what was found
    "few-bodies": "check",
    "low-score": "check",
    "level-unknown": "note",
    "sacrum-not-lowest": "check",
    "anchor-against-sacrum": "check",
    "body-missing": "check",
    "small-sacrum": "check",
    # of the outputs
    "not-written": "note",
}
"""Every code that there is. "note": what was done, or is not known; "check": a person should look
before the numbers are used."""


@dataclass(frozen=True)
class Warning:
    """One thing that a reader of a result must know.

    Attributes:
        code: one of `SEVERITIES`.
        text: one line for people; holds no path and no words of the header.
    """

    code: str
    text: str

    @property
    def severity(self) -> Severity:
        """ "note" or "check"; of a code that a later version made: "check"."""
        return SEVERITIES.get(self.code, "check")

    def to_json(self) -> dict[str, str]:
        """As it stands in run.json."""
        return {"code": self.code, "severity": self.severity, "text": self.text}

    @classmethod
    def from_json(cls, content: dict[str, str] | str) -> Warning:
        """Read what `to_json` wrote; versions before 0.2 wrote the text alone."""
        if isinstance(content, str):
            return cls("earlier-version", content)
        return cls(content["code"], content["text"])
