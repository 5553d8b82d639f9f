"""What the page and the server say to each other of the worklist."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from spinetk.server.strict import Strict, Text
from spinetk.study import Judgement


class ShownLook(BaseModel):
    """What a person said of a result; `decision` is empty for a comment alone."""

    key: str
    decision: Literal["accept", "reject", ""]
    who: str
    when: str
    comment: str


class NewLook(Strict):
    """What a person says of a result."""

    decision: Literal["accept", "reject", ""]
    who: Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
    comment: Text = ""


class WorkRow(BaseModel):
    """A result in the worklist, in its latest version; `original` is the key of what the network
    gave, `study` the name of the job, `levels` the uppermost and lowest named body."""

    job: str
    study: str
    key: str
    original: str
    verdict: Judgement | None
    reasons: list[str]
    modality: str | None
    levels: str
    bodies: int
    discs: int
    corrected_by: str | None
    look: ShownLook | None
