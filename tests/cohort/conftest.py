"""A cohort of results, as the command writes them, made without a network."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import cv2
import pytest

from spinetk.batch import Options, segment_all
from spinetk.network.loaded import LoadedModel

PERSONS = 12


@pytest.fixture(scope="session")
def one_result(
    phantom_folder: Path, mr_model: LoadedModel, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The phantom's result in CSV, with its overlay and report."""
    out = tmp_path_factory.mktemp("one")
    options = Options(slices=4, formats=("csv", "overlay", "report"))
    segment_all([phantom_folder / "dicom"], out, options, models={"mr": mr_model})
    [folder] = [path for path in out.iterdir() if path.is_dir()]
    return folder


def like(result: Path, folder: Path, scale: float, **changes: object) -> Path:
    """A result whose lengths and areas are larger by a factor, with changes in its run.json."""
    shutil.copytree(result, folder)
    with (result / "instances.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        for name, value in row.items():
            power = 2 if name == "area_mm2" else 1 if name.endswith("_mm") else 0
            if power and value and not name.startswith("spacing"):
                row[name] = str(float(value) * scale**power)
    with (folder / "instances.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | changes))
    return folder


@pytest.fixture
def cohort(one_result: Path, tmp_path: Path) -> Path:
    """Twelve persons, of whom person-07 is twice as large and person-03 is to be rejected."""
    out = tmp_path / "results"
    out.mkdir()
    for number in range(PERSONS):
        scale = 2.0 if number == 7 else 0.94 + 0.01 * number
        verdict = {3: "reject", 7: "check"}.get(number, "ok")
        reasons = [] if verdict == "ok" else ["a reason"]
        name = f"person-{number:02d}"
        like(one_result, out / name, scale, verdict=verdict, reasons=reasons)
        assert cv2.imread(str(out / name / "overlay.png")) is not None
    return out
