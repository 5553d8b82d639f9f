import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers.nifti import open_nifti, read_nifti


def save(path: Path, array: np.ndarray, scaled: bool = False) -> Path:
    image = nibabel.Nifti1Image(array, np.diag([3.0, 0.8, 0.8, 1.0]))
    if scaled:
        image.header.set_slope_inter(0.5, -10)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_slabs_are_the_array_in_order(suffix: str, tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 99, (5, 40, 37)).astype(np.int16)
    volume = open_nifti(save(tmp_path / f"a{suffix}", array))
    slabs = list(volume.slabs(8))
    assert [slab.shape[2] for slab in slabs] == [8, 8, 8, 8, 5]
    np.testing.assert_array_equal(np.concatenate(slabs, axis=2), array)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize(("written", "named"), [(".nii.gz", ".nii"), (".nii", ".nii.gz")])
def test_what_is_compressed_is_told_by_the_file_not_by_its_name(
    written: str, named: str, kind: type, tmp_path: Path
) -> None:
    array = np.random.default_rng(0).integers(0, 99, (5, 40, 37)).astype(np.int16)
    nibabel.save(kind(array, np.diag([3.0, 0.8, 0.8, 1.0])), tmp_path / f"a{written}")
    volume = open_nifti((tmp_path / f"a{written}").rename(tmp_path / f"b{named}"))
    np.testing.assert_array_equal(np.concatenate(list(volume.slabs(9)), axis=2), array)


def test_axes_of_length_one_are_dropped_and_others_refused(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 99, (5, 40, 40, 1, 1)).astype(np.int16)
    volume = open_nifti(save(tmp_path / "a.nii.gz", array))
    assert volume.shape == (5, 40, 40)
    np.testing.assert_array_equal(next(volume.slabs(40)), array[..., 0, 0])
    with pytest.raises(Unsuitable, match=r"a.nii.gz: has 4 dimensions"):
        open_nifti(save(tmp_path / "a.nii.gz", np.repeat(array[..., 0], 2, axis=3)))


def test_a_file_that_ends_early_is_refused_by_name(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 99, (5, 64, 64)).astype(np.int16)
    for suffix in (".nii", ".nii.gz"):
        path = save(tmp_path / f"a{suffix}", array)
        path.write_bytes(path.read_bytes()[:-2000])
        with pytest.raises(UnreadableInput, match=f"a{suffix}: damaged"):
            read_nifti(path)


def test_a_compressed_file_with_a_wrong_check_sum_is_refused(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 99, (5, 64, 64)).astype(np.int16)
    path = save(tmp_path / "a.nii.gz", array)
    content = bytearray(path.read_bytes())
    content[-6] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(UnreadableInput, match="CRC"):
        read_nifti(path)


def test_scaled_values_are_those_of_nibabel(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 99, (5, 40, 40)).astype(np.int16)
    path = save(tmp_path / "a.nii.gz", array, scaled=True)
    wanted = np.asarray(nibabel.load(path).dataobj)  # type: ignore[attr-defined]
    np.testing.assert_allclose(np.concatenate(list(open_nifti(path).slabs(7)), axis=2), wanted)


def test_an_axis_without_length_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", np.zeros((5, 40, 40), np.int16))
    content = bytearray(path.read_bytes())
    content[42:44] = (0).to_bytes(2, "little")  # dim[1]
    path.write_bytes(bytes(content))
    with pytest.raises(UnreadableInput, match=r"a.nii: "):
        read_nifti(path)


def test_colour_is_refused(tmp_path: Path) -> None:
    colour = np.zeros((5, 40, 40), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(UnreadableInput, match="gray values are needed"):
        open_nifti(save(tmp_path / "a.nii", colour))


def test_what_holds_more_than_its_header_says_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.ones((5, 40, 40), np.int16), np.eye(4)), path)
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content + bytes(100), 1))  # some programs fill up
    assert len(read_nifti(path).slices) == 5
    path.write_bytes(gzip.compress(content + bytes(20 * 2**20), 1))
    with pytest.raises(UnreadableInput, match="holds more than its header says"):
        read_nifti(path)
