from pathlib import Path

import pytest

from spinetk.datasets.converters.names import (
    class_of,
    itk_snap_names,
    spider_numbers,
    verse_numbers,
)
from spinetk.errors import SpineError

BODY, DISC = "vertebral_body", "intervertebral_disc"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("L3", (BODY, "L3")),
        ("vertebra T12", (BODY, "T12")),
        ("l4_body", (BODY, "L4")),
        ("S1", (BODY, "S1")),
        ("L3-L4", (DISC, "L3-L4")),
        ("L4/5", (DISC, "L4-L5")),
        ("disc L5/S1", (DISC, "L5-S1")),
        ("L5-S1", (DISC, "L5-S1")),
        ("Vertebral Body", (BODY, None)),
        ("vertebrae", (BODY, None)),
        ("disc", (DISC, None)),
        ("IVD", (DISC, None)),
        ("spinal canal", ("spinal canal", None)),
        ("CL3M", ("CL3M", None)),
        ("Th12", (BODY, "T12")),
        ("D11", (BODY, "T11")),
        ("L4L5", (DISC, "L4-L5")),
        ("disc_L4-L5", (DISC, "L4-L5")),
        ("T12/L1", (DISC, "T12-L1")),
        ("L3-L5", ("L3-L5", None)),  # no neighbours: no disc
        ("L3 pedicle", ("L3 pedicle", None)),
        ("spinous process L3", ("spinous process L3", None)),
        ("facet L4-L5", ("facet L4-L5", None)),
    ],
)
def test_names_as_people_write_them(name: str, expected: tuple[str, str | None]) -> None:
    assert class_of(name) == expected


def test_numbers_of_the_public_collections() -> None:
    verse, spider = verse_numbers(), spider_numbers()
    assert verse[1] == (BODY, "C1") and verse[8] == (BODY, "T1") and verse[24] == (BODY, "L5")
    assert 26 not in verse and 0 not in verse
    assert verse[123] == (DISC, "L4-L5") and verse[124] == (DISC, "L5-S1")
    assert spider[1] == (BODY, "L5") and spider[5] == (BODY, "L1") and spider[6] == (BODY, "T12")
    assert spider[201] == (DISC, "L5-S1") and spider[202] == (DISC, "L4-L5")
    assert (
        spider[206] == (DISC, "T12-L1")
        and spider[25] == (BODY, None)
        and 100 not in spider
        and 101 not in spider
    )


def test_itk_snap_descriptions(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(
        "################################################\n"
        "# ITK-SnAP Label Description File\n"
        '    0     0    0    0        0  0  0    "Clear Label"\n'
        '    1   255    0    0        1  1  1    "L5"\n'
        '    7     0  255    0        1  1  1    "L4-L5 disc"\n'
    )
    assert itk_snap_names(path) == {1: (BODY, "L5"), 7: (DISC, "L4-L5")}
    path.write_text("nothing")
    with pytest.raises(SpineError, match="ITK-SNAP"):
        itk_snap_names(path)
