import hashlib
import pickle
from pathlib import Path

import cv2
import nibabel
import numpy as np
import pytest

from spinetk.errors import UnreadableInput
from spinetk.readers.find import READERS, find, read


def fill(folder: Path) -> None:
    folder.mkdir(parents=True)
    array = np.random.default_rng(0).integers(0, 300, (5, 64, 64)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(array, np.diag([3.0, 0.8, 0.8, 1.0])), folder / "t2.nii.gz")
    cv2.imwrite(str(folder / "film.png"), array[0].astype(np.uint8))


def test_keys_are_given_before_anything_is_read_and_are_unique(tmp_path: Path) -> None:
    fill(tmp_path / "case1")
    fill(tmp_path / "case2")
    (tmp_path / "notes.txt").write_text("x")
    found = find([tmp_path])
    assert [one.key for one in found.series] == ["film", "t2", "film-2", "t2-2"]
    assert [p.name for p in found.passed_over] == ["notes.txt"] and not found.refused
    series, left_out = found.series[3].load()
    assert series is not None and series.key == "t2-2" and len(series.slices) == 5 and not left_out


def test_series_travel_to_worker_processes(tmp_path: Path) -> None:
    fill(tmp_path / "case1")
    for one in find([tmp_path]).series:
        again = pickle.loads(pickle.dumps(one))
        assert again == one and again.load()[0] is not None


def test_what_tells_an_input_is_its_content(tmp_path: Path) -> None:
    fill(tmp_path / "case1")
    [film, volume] = find([tmp_path]).series
    for one, name in ((film, "film.png"), (volume, "t2.nii.gz")):
        content = (tmp_path / "case1" / name).read_bytes()
        assert one.input_sha256 == hashlib.sha256(content).hexdigest()


def test_every_ending_has_one_reader() -> None:
    for name in ("a.nii", "a.NII.GZ", "a.mha", "a.mhd", "a.nrrd", "a.png", "a.JPG", "a.tiff"):
        claims = [
            reader for reader in READERS if reader.one_file_each and reader.claims(Path(name))
        ]
        assert len(claims) == 1, name


def test_an_input_without_images_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="the folder is empty"):
        read(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UnreadableInput, match="no DICOM, NIfTI, MHA, NRRD.* among 1 file"):
        read(tmp_path)
    with pytest.raises(UnreadableInput, match=r"a.txt: is not a DICOM file"):
        read(tmp_path / "a.txt")


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    fill(tmp_path / "case")
    (tmp_path / "case" / "IM0003").touch()
    found = find([tmp_path])
    [refusal] = found.refused
    assert refusal.name == "IM0003" and "is empty" in refusal.reason and not refusal.failed
    assert find([tmp_path / "case" / "IM0003"]).refused[0].failed


@pytest.mark.parametrize(
    "name",
    ["summary.csv", "failures-0001-of-0003.csv", "measurements.parquet", "cohort.html",
     "completed.csv", "SUMMARY.csv"],
)  # fmt: skip
def test_no_result_is_called_as_a_table_beside_it(name: str, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((64, 64), np.uint8))
    [one] = find([tmp_path]).series
    assert one.key == f"{name}-2"
