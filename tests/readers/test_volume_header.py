from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers.volume_files import read_volume
from spinetk.readers.volume_header import VolumeFile, three_axes


def test_axes_of_one_are_dropped_or_added() -> None:
    assert three_axes("a", (5, 6, 7, 1, 1)) == (5, 6, 7)
    assert three_axes("a", (5, 6)) == (5, 6, 1)
    with pytest.raises(Unsuitable, match="a: has 4 dimensions"):
        three_axes("a", (5, 6, 7, 2))
    with pytest.raises(UnreadableInput, match="sizes are not usable"):
        three_axes("a", (5, 0, 7))


def test_only_a_single_slice_without_a_place_is_a_picture() -> None:
    def header(shape: tuple[int, int, int], placed: bool) -> VolumeFile:
        return VolumeFile(Path("a"), shape, np.eye(4), lambda depth: iter(()), placed=placed)

    assert header((40, 50, 1), False).is_picture
    assert not header((40, 50, 1), True).is_picture
    assert not header((40, 50, 3), False).is_picture
    assert not header((1, 50, 40), False).is_picture


@pytest.mark.parametrize("ending", [".nii.gz", ".mha", ".nrrd"])
def test_an_array_that_a_library_wrote_has_no_millimetres(ending: str, tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 99, (40, 50, 9)).astype(np.int16)
    image = SimpleITK.GetImageFromArray(array)
    SimpleITK.WriteImage(image, str(tmp_path / f"a{ending}"))
    assert read_volume(tmp_path / f"a{ending}").slices[0].spacing is None
    image.SetOrigin((1.0, 2.0, 3.0))  # who knows a place knows distances
    SimpleITK.WriteImage(image, str(tmp_path / f"b{ending}"))
    assert read_volume(tmp_path / f"b{ending}").slices[0].spacing == pytest.approx((1.0, 1.0))


def test_directions_and_spacings_that_contradict_each_other_give_no_millimetres(
    tmp_path: Path,
) -> None:
    array = np.random.default_rng(0).integers(0, 99, (40, 50, 9)).astype(np.int16)
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing((4.0, 0.7, 0.7))
    image.SetOrigin((1.0, 2.0, 3.0))
    SimpleITK.WriteImage(image, str(tmp_path / "a.mha"))
    content = (tmp_path / "a.mha").read_bytes()
    right = b"TransformMatrix = 1 0 0 0 1 0 0 0 1"
    assert right in content
    for wrong in (right.replace(b"1 0 0 0 1 0 0 0 1", b"4 0 0 0 .7 0 0 0 .7"),
                  right + b"\nElementSize = 4 0.5 0.5"):  # fmt: skip
        (tmp_path / "a.mha").write_bytes(content.replace(right, wrong))
        series = read_volume(tmp_path / "a.mha")
        assert series.slices[0].spacing is None
        assert "geometry-contradicts" in [warning.code for warning in series.warnings]
    SimpleITK.WriteImage(image, str(tmp_path / "a.nrrd"))
    content = (tmp_path / "a.nrrd").read_bytes()
    units = b'space units: "mm" "mm" "cm"\nencoding'
    (tmp_path / "a.nrrd").write_bytes(content.replace(b"encoding", units, 1))
    series = read_volume(tmp_path / "a.nrrd")
    assert series.slices[0].spacing is None
