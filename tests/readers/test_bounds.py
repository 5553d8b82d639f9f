"""Small files that claim, or hold, much: refused before anything of it is in memory."""

import json
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info

from spinetk.errors import UnreadableInput, UsageError
from spinetk.readers.bounds import check_bytes, check_deflated
from tests.readers.bombs import (
    deflated,
    long_name,
    long_pixels,
    long_table,
    many_links,
    nifti,
    nrrd,
    png,
    run_lengths,
    wide_xz,
)

MOST_MB = 400
"""The libraries alone take a good hundred."""


PROGRAM = r"""
import re, sys
from spinetk.errors import SpineError
from spinetk.readers import read
try:
    print(len(read(sys.argv[1]).series[0].slices), "slices")
except SpineError as error:
    print(error)
print(int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) // 1024)
"""


def read_apart(path: Path) -> tuple[str, int]:
    """What a process says that reads a file, and how many MB it took."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said, memory = done.stdout.splitlines()
    return said, int(memory)


@pytest.mark.parametrize(("depth", "colour"), [(8, 0), (16, 0), (16, 2)])
def test_a_small_picture_of_many_pixels(depth: int, colour: int, tmp_path: Path) -> None:
    path = png(tmp_path / "a.png", 12_000, depth, colour)
    assert path.stat().st_size < 5 * 2**20
    said, memory = read_apart(path)
    assert "SPINETK_LARGEST_MB=" in said and memory < MOST_MB


def test_a_small_volume_of_many_voxels(tmp_path: Path) -> None:
    said, memory = read_apart(nifti(tmp_path / "a.nii.gz", 1500, 1))
    assert "SPINETK_LARGEST_MB=" in said and memory < MOST_MB


def test_a_volume_within_bounds_takes_no_more_memory_than_a_part_of_it(tmp_path: Path) -> None:
    said, memory = read_apart(nifti(tmp_path / "a.nii.gz", 500, 500))  # 477 MB as float32
    assert said == "500 slices" and memory < MOST_MB


def test_a_deflated_file_that_holds_much(phantom_folder: Path, tmp_path: Path) -> None:
    said, memory = read_apart(deflated(tmp_path / "a.dcm", phantom_folder, 600))
    assert "deflated: SPINETK_LARGEST_MB" in said and memory < MOST_MB
    check_deflated(deflated(tmp_path / "b.dcm", phantom_folder, 1))


def test_a_deflated_file_that_hides_that_it_is_one(phantom_folder: Path, tmp_path: Path) -> None:
    whole = deflated(tmp_path / "whole", phantom_folder, 600).read_bytes()
    (tmp_path / "bare").write_bytes(whole[132:])  # no preamble
    # what says so comes late
    dataset = pydicom.dcmread(tmp_path / "whole", stop_before_pixels=True)
    dataset.file_meta.ImplementationVersionName = "x" * 4000
    dataset.file_meta.MediaStorageSOPInstanceUID = "1" * 4000
    start = 132 + 12 + dataset.file_meta.FileMetaInformationGroupLength
    head = DicomBytesIO()
    write_file_meta_info(head, dataset.file_meta, enforce_standard=False)
    (tmp_path / "late").write_bytes(whole[:132] + head.getvalue() + whole[start:])
    for name in ("bare", "late"):
        with pytest.raises(UnreadableInput, match="deflated: SPINETK_LARGEST_MB"):
            check_deflated(tmp_path / name)


@pytest.mark.parametrize("encoding", ["gzip", "bzip2"])
def test_a_volume_that_holds_more_than_it_says(encoding: str, tmp_path: Path) -> None:
    said, memory = read_apart(nrrd(tmp_path / "a.nrrd", encoding, 64, 1500))
    assert "sizes do not fit" in said and memory < MOST_MB
    said, memory = read_apart(nrrd(tmp_path / "b.nrrd", encoding, 64, 0))
    assert said == "64 slices"


def test_archives_whose_headers_hold_much(tmp_path: Path) -> None:
    for path, why in (
        (long_name(tmp_path / "a.tar.gz", 1500), "its table of files"),
        (many_links(tmp_path / "b.tar.gz"), "more than is unpacked"),
        (wide_xz(tmp_path / "c.dcm.xz"), "cannot be unpacked"),
        (wide_xz(tmp_path / "d.tar.xz"), "cannot be unpacked"),
        (long_table(tmp_path / "e.zip"), "its table of files"),
    ):
        said, memory = read_apart(path)
        assert why in said and memory < MOST_MB, (path.name, said, memory)


def test_an_image_with_more_pixels_than_it_says(phantom_folder: Path, tmp_path: Path) -> None:
    long_pixels(tmp_path / "a.dcm", phantom_folder, 900)
    said, memory = read_apart(tmp_path / "a.dcm")
    assert "SPINETK_LARGEST_MB=901 " in said and memory < MOST_MB


def test_run_lengths_that_hold_more_than_the_image(phantom_folder: Path, tmp_path: Path) -> None:
    run_lengths(tmp_path / "a.dcm", phantom_folder, 1500)
    said, memory = read_apart(tmp_path / "a.dcm")
    assert "pixels" in said and memory < MOST_MB


def test_a_mask_that_claims_much(tmp_path: Path) -> None:
    from spinetk.datasets.annotated import read_dataset
    from spinetk.errors import SpineError

    note = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0,
            "segmentation": {"size": [60_000, 60_000], "counts": "PPP"}}  # fmt: skip
    content = {"images": [], "categories": [{"id": 1, "name": "a"}], "annotations": [note]}
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(SpineError, match="SPINETK_LARGEST_MB"):
        read_dataset(tmp_path)


def test_a_person_can_raise_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreadableInput, match="SPINETK_LARGEST_MB=1000 "):
        check_bytes("a.png", 200 * 2**20, 1)
    monkeypatch.setenv("SPINETK_LARGEST_MB", "1000")
    check_bytes("a.png", 200 * 2**20, 1)
    for text in ("much", "-1", "nan", "inf"):
        monkeypatch.setenv("SPINETK_LARGEST_MB", text)
        with pytest.raises(UsageError, match="no number of megabytes"):
            check_bytes("a.png", 1, 1)
