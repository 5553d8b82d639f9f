from pathlib import Path

import numpy as np
import pytest

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers.header_checks import (
    LONGEST_REASON,
    beside,
    check_size,
    coarse_warning,
    file_stem,
    finite,
    short,
    usable_spacing,
)
from spinetk.warning import Warning


@pytest.mark.parametrize(
    ("path", "said", "shown"),
    [
        ("a/scan.nii", "Valid slope but invalid intercept nan", None),
        ("a/scan.nii", "no such file: a/scan.nii", "no such file: scan.nii"),
        ("/data/Doe^Jane/x.dcm", "open('/data/Doe^Jane/x.dcm') failed", "open('x.dcm') failed"),
        ("a/scan.nii", "data/scan.nii is not it", None),
        ("/data/x/a.nii", "/data/x\\a.nii is damaged", "a.nii is damaged"),
    ],
)
def test_the_folder_goes_from_a_message_and_nothing_else(
    path: str, said: str, shown: str | None
) -> None:
    assert short(ValueError(said), Path(path)) == (shown or said)


def test_long_and_empty_messages() -> None:
    assert len(short(ValueError("x" * 999), Path("a"))) <= LONGEST_REASON
    assert short(ValueError(), Path("a")) == "ValueError"
    assert short(ValueError("first\n  last  \n\n"), Path("a")) == "last"


def test_sizes_and_spacings_that_no_spine_has() -> None:
    check_size("a", 32, 16384)
    with pytest.raises(Unsuitable, match="a: 31 x 99 pixels is too small"):
        check_size("a", 99, 31)
    with pytest.raises(UnreadableInput, match="too large"):
        check_size("a", 99, 16385)
    assert usable_spacing((0.01, 20.0)) and not usable_spacing((0.0, 1.0))
    assert not usable_spacing((float("nan"), 1.0))
    assert [w.code for w in coarse_warning((3.0, 0.5))] == ["coarse"]
    assert coarse_warning((2.5, 0.5)) == []


def test_values_that_are_not_finite_become_the_lowest() -> None:
    warnings: list[Warning] = []
    pixels = np.array([[1.0, np.nan], [np.inf, 3.0]], dtype=np.float32)
    np.testing.assert_array_equal(finite("a", pixels, warnings), [[1, 1], [1, 3]])
    assert [w.code for w in warnings] == ["values-replaced"] and "2 pixels" in warnings[0].text
    with pytest.raises(UnreadableInput, match="no pixel has a finite value"):
        finite("a", pixels * np.nan, warnings)


def test_only_a_file_in_the_headers_own_folder_is_read(tmp_path: Path) -> None:
    header = tmp_path / "a.mhd"
    (tmp_path / "a.raw").touch()
    assert beside(header, "a.raw") == tmp_path / "a.raw"
    for name in ("../a.raw", str(tmp_path / "a.raw"), "b/a.raw", ""):
        with pytest.raises(UnreadableInput):
            beside(header, name)
    with pytest.raises(UnreadableInput, match="not beside it"):
        beside(header, "b.raw")


def test_the_stem_of_a_name() -> None:
    names = {"a.nii.gz": "a", "a.b.NII.GZ": "a.b", "a.png": "a", "a.tar.gz": "a.tar"}
    assert {name: file_stem(Path(name)) for name in names} == names
