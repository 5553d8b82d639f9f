from collections.abc import Callable

import pytest

from spinetk.cli_options import anchor_of, formats_of, one_of, slice_choice, spacing_of, study_of
from spinetk.errors import UsageError


def test_options_are_read_as_they_are_written() -> None:
    assert one_of("--modality", "mr", {"mr": "MR"}) == "MR"
    assert [slice_choice(text) for text in ("auto", "all", "12")] == ["auto", "all", 12]
    assert spacing_of("0.5") == (0.5, 0.5) and spacing_of("0.5,0.4") == (0.5, 0.4)
    assert study_of("1.2.840.1") == "1.2.840.1"
    assert anchor_of(" l5 = 2") == ("L5", 2)
    assert formats_of("csv, coco,csv") == ("csv", "coco")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (study_of, "../../x"), (study_of, "1" * 65),
        (slice_choice, "-1"), (slice_choice, "first"), (spacing_of, "0"), (spacing_of, "1,2,3"),
        (spacing_of, "nan"), (spacing_of, "half"), (anchor_of, "L5"), (anchor_of, "L9=1"),
        (anchor_of, "L5=0"), (formats_of, "pdf"), (formats_of, ","),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_named(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(UsageError) as told:
        read(text)
    assert text in str(told.value)
    with pytest.raises(UsageError, match="--modality us: one of mr, ct"):
        one_of("--modality", "us", {"mr": 1, "ct": 2})
