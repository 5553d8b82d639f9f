"""What a segment of a DICOM SEG shows, by its label, its description and its code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from spinetk.datasets.converters.names import Label, class_of
from spinetk.structures import BODY_KIND, DISC_KIND, DISC_LEVELS, LEVELS, SPINE_CLASSES
from spinetk.writers.dicom_codes import DISC, S1, VERTEBRA


def segment_label(item: Dataset) -> Label:
    """Class and level of a segment: by its label, by its coded property type, or by the code's
    meaning; any other label is a class of its own."""
    named = str(item.get("SegmentLabel", "")), str(item.get("SegmentDescription", ""))
    labels = [class_of(name) for name in named if name]
    kinds = item.get("SegmentedPropertyTypeCodeSequence") or ()
    if kinds:
        value, scheme = (
            str(kinds[0].get("CodeValue", "")),
            str(kinds[0].get("CodingSchemeDesignator", "")),
        )
        code = Code(value, scheme, "x")
        coded = next((label for known, label in _known() if known == code), None)
        labels += [coded] if coded else []
        labels.append(class_of(str(kinds[0].get("CodeMeaning", ""))))
    own = class_of(named[0]) if named[0] else None
    if own is not None and own[0] not in SPINE_CLASSES and not GENERIC.fullmatch(named[0].strip()):
        return own  # "L3 pedicle" is no body, whatever its code says
    spine = [label for label in labels if label[0] in SPINE_CLASSES]
    if len({kind for kind, _ in spine}) > 1:
        # "L4" with the code of a disc, or described as "disc L4-L5": a level alone is said of
        # either, a disc of no body
        spine = [label for label in spine if label[0] == DISC_KIND]
    for label in spine:
        if label[1]:
            return label
    plain = next(iter(spine), None)
    return plain or (labels[0] if labels else ("segment", None))


GENERIC = re.compile(
    r"(?:segment|label|roi|region)?[\s_-]*\d*"
    r"|(?:vertebral body|intervertebral disc) \d+ from below",
    re.I,
)
"""Labels that say nothing of what a segment shows; the second kind is SpineTK's own where no level
is known."""


def _known() -> Iterator[tuple[Code, Label]]:
    for level in LEVELS[:-1]:
        yield getattr(codes.SCT, f"{level}Vertebra"), (BODY_KIND, level)
    yield S1, (BODY_KIND, "S1")
    yield VERTEBRA, (BODY_KIND, None)
    for level in DISC_LEVELS:
        code = getattr(codes.SCT, f"{level.replace('-', '')}Disc", None)
        if code is not None:
            yield code, (DISC_KIND, level)
    yield DISC, (DISC_KIND, None)
