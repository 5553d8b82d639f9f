from pathlib import Path

import nrrd
import numpy as np
import pytest

from spinetk.errors import UnreadableInput
from spinetk.readers.nrrd import open_nrrd, read_nrrd, values_file


def header(**changes: object) -> dict[str, object]:
    return {
        "space": "right-anterior-superior",
        "space directions": np.diag([3.0, 0.8, 0.7]),
        "space origin": (1.0, 2.0, 3.0),
    } | changes


@pytest.mark.parametrize(
    ("space", "signs"),
    [("right-anterior-superior", (-1, -1, 1)), ("LPS", (1, 1, 1)), ("las", (1, -1, 1))],
)
def test_every_space_ends_in_lps(space: str, signs: tuple[int, ...], tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 99, (5, 40, 37)).astype(np.int16)
    nrrd.write(str(tmp_path / "a.nrrd"), array, header(space=space))
    volume = open_nrrd(tmp_path / "a.nrrd")
    np.testing.assert_array_equal(np.concatenate(list(volume.slabs(9)), axis=2), array)
    np.testing.assert_allclose(np.diag(volume.affine)[:3], np.multiply(signs, (3.0, 0.8, 0.7)))
    np.testing.assert_allclose(volume.affine[:3, 3], np.multiply(signs, (1.0, 2.0, 3.0)))


def test_a_single_slice_lies_where_its_two_directions_say(tmp_path: Path) -> None:
    nrrd.write(
        str(tmp_path / "a.nrrd"), np.ones((40, 50), np.int16),
        {"space": "LPS", "space directions": np.array([[0, 0.8, 0], [0, 0, 0.7]])},
    )  # fmt: skip
    np.testing.assert_allclose(open_nrrd(tmp_path / "a.nrrd").affine[:3, 2], (1, 0, 0))
    assert len(read_nrrd(tmp_path / "a.nrrd").slices) == 1


def test_what_is_not_known_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.nrrd"
    nrrd.write(str(path), np.zeros((5, 40, 40), np.int16), header(space="scanner-xyz"))
    with pytest.raises(UnreadableInput, match=r"a.nrrd: .*space, scanner-xyz, is not known"):
        open_nrrd(path)
    path.write_text("NRRD0004\nnonsense\n")
    with pytest.raises(UnreadableInput, match=r"^a.nrrd: damaged"):
        open_nrrd(path)
    with pytest.raises(UnreadableInput):
        values_file(path)


def test_sizes_that_the_file_beside_cannot_hold_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(100))
    (tmp_path / "a.nrrd").write_text(
        "NRRD0004\ntype: short\ndimension: 3\nsizes: 9000 9000 9000\nencoding: raw\n"
        "endian: little\ndata file: a.raw\n\n"
    )
    with pytest.raises(UnreadableInput, match="sizes do not fit"):
        open_nrrd(tmp_path / "a.nrrd")
