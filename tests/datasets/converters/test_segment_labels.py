"""What a segment shows is told by its label or its code; where they contradict, a disc is one."""

import pytest
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from spinetk.datasets.converters.segment_labels import segment_label
from spinetk.structures import BODY_KIND, DISC_KIND

DISC_CODE = Code("360499006", "SCT", "Intervertebral disc")


def segment(label: str, code: Code, description: str = "") -> Dataset:
    kind = Dataset()
    kind.CodeValue, kind.CodingSchemeDesignator, kind.CodeMeaning = code[:3]
    item = Dataset()
    item.SegmentLabel, item.SegmentDescription = label, description
    item.SegmentedPropertyTypeCodeSequence = [kind]
    return item


@pytest.mark.parametrize(
    ("label", "code", "meant"),
    [
        ("vertebrae_L3", codes.SCT.Vertebra, (BODY_KIND, "L3")),  # TotalSegmentator
        ("vertebral body 3 from below", codes.SCT.Vertebra, (BODY_KIND, None)),  # our own
        ("Segment_2", codes.SCT.L4Vertebra, (BODY_KIND, "L4")),  # dcmqi: by the code
        ("disc", codes.SCT.L4L5Disc, (DISC_KIND, "L4-L5")),
        ("liver", codes.SCT.Liver, ("liver", None)),
        ("L4", DISC_CODE, (DISC_KIND, None)),  # a level alone is said of either
    ],
)
def test_a_segment_by_label_or_code(label: str, code: Code, meant: tuple[str, str | None]) -> None:
    assert segment_label(segment(label, code)) == meant


def test_a_disc_in_the_description_is_no_body() -> None:
    item = segment("L4", codes.SCT.Liver, "disc L4-L5")
    assert segment_label(item) == (DISC_KIND, "L4-L5")
