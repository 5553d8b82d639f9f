"""The command line as a user has it: separate processes, exit status, one line an error."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from tests.services import running


def spinetk(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spinetk.cli", *map(str, arguments)],
        capture_output=True, text=True, timeout=300, **options,  # type: ignore[call-overload]
    )  # fmt: skip


def assert_one_line(done: subprocess.CompletedProcess[str], status: int, *parts: str) -> None:
    assert done.returncode == status, done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr, done.stderr
    for part in parts:
        assert part in done.stderr


def test_a_study_from_files_to_outputs(phantom_folder: Path, tmp_path: Path) -> None:
    done = spinetk("segment", phantom_folder / "dicom", "-o", tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    [row] = csv.DictReader((tmp_path / "summary.csv").open())
    assert (tmp_path / row["key"] / "report.html").is_file()
    assert int(row["bodies"]) >= 8 and row["modality"] == "MR" and int(row["n_slices"]) == 9
    assert f"slice {row['selected_slice']} (image {row['instance_number']})" in done.stdout
    assert not (tmp_path / "failures.csv").exists()


def test_the_summary_keeps_earlier_results_that_are_still_there(
    phantom_folder: Path, tmp_path: Path
) -> None:
    dicom = phantom_folder / "dicom"
    for index in ("4", "5"):
        spinetk(
            "segment", dicom, "-o", tmp_path, "--slice", index, "--format", "csv", "--overwrite"
        )
    [row] = csv.DictReader((tmp_path / "summary.csv").open())
    assert row["selected_slice"] == "5"
    (tmp_path / row["key"]).rename(tmp_path / "other")
    spinetk("segment", dicom, "-o", tmp_path, "--slice", "4", "--format", "csv")
    keys = [r["key"] for r in csv.DictReader((tmp_path / "summary.csv").open())]
    assert keys == [row["key"], "other"]  # by name


def test_results_are_not_replaced_unasked(phantom_folder: Path, tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    (tmp_path / "out" / "a").mkdir(parents=True)
    (tmp_path / "out" / "a" / "run.json").write_text('{"spinetk": "0.1.0"}')
    done = spinetk("segment", tmp_path / "a.png", "-o", tmp_path / "out")
    assert_one_line(done, 2, "holds results of a already", "--overwrite")


def test_an_interrupted_run_goes_on(phantom_folder: Path, tmp_path: Path) -> None:
    dicom, out = phantom_folder / "dicom", tmp_path / "out"
    options = ("--format", "csv", "--continue")
    assert spinetk("segment", dicom, "-o", out, "--slice", "4", *options).returncode == 0
    [folder] = [path for path in out.iterdir() if path.is_dir()]
    there = (folder / "run.json").read_bytes()
    picture = pydicom.dcmread(sorted(dicom.iterdir())[4]).pixel_array
    cv2.imwrite(str(tmp_path / "b.png"), (picture / picture.max() * 255).astype(np.uint8))
    done = spinetk("segment", dicom, tmp_path / "b.png", "-o", out, *options)
    assert done.returncode == 0 and "kept: 1" in done.stderr and str(dicom) not in done.stdout
    assert (folder / "run.json").read_bytes() == there
    keys = [row["key"] for row in csv.DictReader((out / "summary.csv").open())]
    assert sorted(keys) == sorted([folder.name, "b"])
    done = spinetk("segment", dicom, tmp_path / "b.png", "-o", out, *options)
    assert done.returncode == 0 and "kept: 2" in done.stderr and done.stdout == ""
    # a person at a terminal is told which input a result is of, a file of the lines is not
    ours, theirs = os.openpty()
    subprocess.run(
        [sys.executable, "-m", "spinetk.cli", "segment", str(dicom), "-o", str(tmp_path / "shown"),
         *options], stdout=theirs, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    assert f"of {dicom} ->" in os.read(ours, 4096).decode()
    os.close(ours)
    os.close(theirs)
    # of a series with --slice all, what is missing is made
    every = ("--slice", "all", *options)
    spinetk("segment", dicom, "-o", out, *every)
    made = sorted(out.glob("*-slice-*"))
    shutil.rmtree(made[0])
    done = spinetk("segment", dicom, "-o", out, *every)
    assert len(done.stdout.splitlines()) == 2 and made[0].exists()
    assert_one_line(spinetk("segment", dicom, "-o", out, "--overwrite", "--continue"), 2, "one of")


def test_all_slices_each_get_a_folder(phantom_folder: Path, tmp_path: Path) -> None:
    done = spinetk("segment", phantom_folder / "dicom", "-o", tmp_path, "--slice", "all",
                   "--format", "csv", "--quiet")  # fmt: skip
    assert done.stdout == ""
    keys = [r["key"] for r in csv.DictReader((tmp_path / "summary.csv").open())]
    assert len(keys) >= 5 and all("-slice-" in k for k in keys)
    assert {p.name for p in (tmp_path / keys[0]).iterdir()} == {
        "angles.csv", "instances.csv", "run.json",
    }  # fmt: skip


def test_one_bad_series_does_not_stop_the_others(phantom_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for path in (phantom_folder / "dicom").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    cv2.imwrite(str(folder / "blank.png"), np.full((80, 80), 7, np.uint8))
    done = spinetk("segment", folder, "-o", tmp_path / "out")
    assert done.returncode == 4
    [failure] = csv.DictReader((tmp_path / "out" / "failures.csv").open())
    assert failure["key"] == "blank" and "no vertebral body" in failure["reason"]
    [row] = csv.DictReader((tmp_path / "out" / "summary.csv").open())
    assert (tmp_path / "out" / row["key"] / "run.json").is_file()
    assert not (tmp_path / "out" / "blank").exists()


def test_nothing_that_is_not_ours_is_ever_replaced(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "scan.png"), picture)
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "precious.txt").write_text("keep me")
    done = spinetk("segment", tmp_path / "scan.png", "-o", tmp_path, "--overwrite")
    assert_one_line(done, 2, "not a result of SpineTK")
    assert (tmp_path / "scan" / "precious.txt").read_text() == "keep me"


def make_bad_inputs(folder: Path, dicom: Path) -> dict[str, tuple[Path, str]]:
    """Inputs that cannot be segmented, and a part of what is said about each."""
    (folder / "empty").mkdir()
    (folder / "text.dcm").write_text("hello")
    (folder / "cut.dcm").write_bytes(next(dicom.iterdir()).read_bytes()[:5000])
    nan = np.full((3, 64, 64), np.nan, dtype=np.float32)
    nibabel.save(nibabel.Nifti1Image(nan, np.eye(4)), folder / "nan.nii.gz")
    cv2.imwrite(str(folder / "dot.png"), np.zeros((1, 1), np.uint8))
    photo = np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / "photo.jpg"), photo)
    return {
        "empty": (folder / "empty", "the folder is empty"),
        "text": (folder / "text.dcm", "not a DICOM file"),
        "cut": (folder / "cut.dcm", "cannot be decoded"),
        "nan": (folder / "nan.nii.gz", "no pixel has a finite value"),
        "dot": (folder / "dot.png", "too small"),
        "photo": (folder / "photo.jpg", "a colour picture"),
        "axial": (Path(str(get_testdata_file("CT_small.dcm"))), "axial series"),
        "gone": (folder / "gone", "no such file or folder"),
    }


@pytest.mark.parametrize("case", ["empty", "text", "cut", "nan", "dot", "photo", "axial", "gone"])
def test_bad_input_gets_one_line_status_3_and_no_result(
    case: str, phantom_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    path, message = make_bad_inputs(tmp_path / "in", phantom_folder / "dicom")[case]
    done = spinetk("segment", path, "-o", tmp_path / "out")
    assert_one_line(done, 3, path.name, message)
    assert not (tmp_path / "out").exists()


def test_a_missing_model_and_wrong_options_are_usage_errors(
    phantom_folder: Path, tmp_path: Path
) -> None:
    dicom = phantom_folder / "dicom"
    for arguments, part in (
        (["--model", "gone.onnx"], "model gone.onnx: no such file"),
        (["--modality", "pet"], "--modality pet"),
        ([""], "an argument is empty"),
        (["--study", "../../x", "--dicomweb", "http://h"], "--study ../../x"),
        (["--slice", "first"], "--slice first"),
        (["--format", "pdf"], "--format pdf"),
        (["--anchor", "L9=1"], "--anchor L9=1"),
        (["--score", "2"], "--score"),
    ):
        done = spinetk("segment", dicom, "-o", tmp_path / "out", *arguments)
        assert_one_line(done, 2, part)
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_an_output_that_cannot_be_written(phantom_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = spinetk("segment", phantom_folder / "dicom", "-o", tmp_path / "file" / "out")
    assert_one_line(done, 2, "cannot be written")


def test_ctrl_c_in_the_middle_leaves_no_half_result(phantom_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "spinetk.cli", "segment", phantom_folder / "dicom", "-o",
               tmp_path / "out", "--slice", "all"]  # fmt: skip
    # a shell that runs the tests in the background has them ignore Ctrl-C
    heeds = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **heeds) as process:
        deadline = time.time() + 120
        while time.time() < deadline and not list(tmp_path.glob("out/*")):
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.count("\n") == 1 and "interrupted" in errors
    left = list((tmp_path / "out").iterdir())
    assert not [p for p in left if p.name.startswith(".unfinished")]
    assert all((p / "run.json").is_file() for p in left if p.is_dir())


def test_annotations_are_converted_and_used(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (90, 80), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    shape = {"label": "L3", "points": [[20, 20], [50, 20], [50, 45], [20, 45]]}
    content = {"shapes": [shape], "imagePath": "a.png"}
    (tmp_path / "a.json").write_text(json.dumps(content))
    done = spinetk("convert", "labelme", tmp_path, "-o", tmp_path / "set", "--modality", "ct")
    assert done.returncode == 0 and "1 images of 1 patients, 1 outlines" in done.stdout, done.stderr
    again = spinetk("convert", "labelme", tmp_path, "-o", tmp_path / "set", "--modality", "ct")
    assert_one_line(again, 2, "holds a data set already")
    assert_one_line(
        spinetk("crossval", tmp_path / "set", "-o", tmp_path / "cv"), 2, "at least 5 annotated"
    )
    assert_one_line(
        spinetk("convert", "word", tmp_path, "-o", tmp_path / "w"), 2, "one of volumes, verse"
    )


def test_help_and_version_name_every_command() -> None:
    text = spinetk("--help").stdout
    for verb in ("segment", "train", "crossval", "evaluate", "convert", "phantom"):
        assert verb in text
    assert spinetk("--version").stdout.strip() == "0.1.0"


def test_inference_never_imports_torch(phantom_folder: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from spinetk import cli; sys.argv = ['spinetk', 'segment', "
        f"{str(phantom_folder / 'dicom')!r}, '-o', {str(tmp_path / 'out')!r}, '--quiet']\n"
        "try:\n    cli.main()\nexcept SystemExit as stop:\n"
        "    assert stop.code == 0, stop.code\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_name_that_a_library_warns_of_is_not_printed(
    phantom_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    for path in (phantom_folder / "dicom").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.PatientName = "SCHMIDT"
        dataset.save_as(tmp_path / "in" / path.name)
    done = spinetk("segment", tmp_path / "in", "-o", tmp_path / "out", "--format", "seg,capture")
    assert done.returncode == 0 and done.stderr == "" and "SCHMIDT" not in done.stdout
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 2


def test_options_that_do_nothing_are_told_of(phantom_folder: Path, tmp_path: Path) -> None:
    source = phantom_folder / "dicom"
    spinetk("segment", source, "-o", tmp_path / "a", "--spacing", "0.3", "--format", "csv")
    [row] = csv.DictReader((tmp_path / "a" / "summary.csv").open())
    assert "spacing given is not used: the file says it (PixelSpacing)" in row["warnings"]
