"""Damaged results, as they are found by `--continue`, the page and the exports."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

from attacks.injuries import damaged, damaged_json
from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.datasets.exports.bids import export_bids
from spinetk.errors import SpineError
from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
from spinetk.readers import read
from spinetk.results.folders import results_in, write_summary
from spinetk.results.record import read_record
from spinetk.results.reopen import read_slice, reopen


def seeds(folder: Path) -> None:
    """A phantom and its result."""
    write_phantom(make_phantom(PhantomConfig(slices=1)), folder / "study")
    segment_all([folder / "study" / "dicom"], folder / "out", Options())


def attempt(folder: Path, number: int, injure: bool = True) -> str:
    """Open, list, continue and export results one file of which is damaged."""
    rng = np.random.default_rng(number)
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "out"
        shutil.copytree(folder / "out", out)
        [result] = [path for path in out.iterdir() if path.is_dir()]
        parts = [result / part for part in ("run.json", "instances.coco.json", "instances.csv",
                 "mask.nii.gz", "image.nii.gz", "seg.dcm")] + [out / "summary.csv"]  # fmt: skip
        path = parts[int(rng.choice(len(parts), p=[0.35, 0.35, 0.06, 0.06, 0.06, 0.06, 0.06]))]
        if injure and path.suffix == ".json" and rng.random() < 0.8:
            path.write_text(damaged_json(path.read_text(), rng))
        elif injure:
            path.write_bytes(damaged(path.read_bytes(), rng))
        refused = False
        for use in (_reopened, _sliced, _listed, _exported, _continued):
            try:
                use(folder, out, result, Path(name))
            except SpineError as error:
                refused = True
                assert "\n" not in str(error)
    return "refused" if refused else "taken"


def _reopened(folder: Path, out: Path, result: Path, work: Path) -> None:
    [series] = read(folder / "study" / "dicom").series
    reopen(result, read_record(result), series)


def _sliced(folder: Path, out: Path, result: Path, work: Path) -> None:
    read_slice(result, read_record(result))


def _listed(folder: Path, out: Path, result: Path, work: Path) -> None:
    list(results_in(out))
    write_summary(out)


def _exported(folder: Path, out: Path, result: Path, work: Path) -> None:
    export_bids(out, work / "bids")


def _continued(folder: Path, out: Path, result: Path, work: Path) -> None:
    if result.name and (result / "run.json").stat().st_mtime_ns % 8 == 0:  # a slow one
        outcome = segment_all([folder / "study" / "dicom"], out, Options(keep=True))
        wrong = [reason for _, reason in outcome.failed if reason.startswith("unexpected")]
        assert not wrong, wrong
