"""What `pip install spinetk` gives: a wheel in an environment of its own, outside the sources."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path) -> str:
    plain = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=plain, capture_output=True, text=True
    )
    if done.returncode and "No matching distribution" in done.stderr:
        pytest.skip("needs a package index that pip can reach")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_segments_in_a_fresh_environment(tmp_path: Path) -> None:
    pip = ("-m", "pip", "--disable-pip-version-check", "-q")
    run(sys.executable, *pip, "wheel", "--no-deps", "-w", tmp_path, ROOT, cwd=tmp_path)
    [wheel] = tmp_path.glob("spinetk-*.whl")
    run(sys.executable, "-m", "venv", tmp_path / "env", cwd=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    run(python, *pip, "install", "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)
    spinetk = python.with_name("spinetk")
    about = json.loads(run(spinetk, "info", "--json", cwd=tmp_path))
    assert {network["name"] for network in about["networks"]} == {"mr", "ct", "xr"}
    run(spinetk, "phantom", "phantom", "--slices", "3", cwd=tmp_path)
    run(spinetk, "segment", "phantom/dicom", "-o", "results", cwd=tmp_path)
    [folder] = [path for path in (tmp_path / "results").iterdir() if path.is_dir()]
    assert (folder / "seg.dcm").is_file() and (folder / "report.html").is_file()
    program = (
        "import spinetk; print(len(spinetk.segment('phantom/dicom')[0].rows), spinetk.__file__)"
    )
    count, place = run(python, "-c", program, cwd=tmp_path).split()
    assert int(count) >= 15 and Path(place).is_relative_to(tmp_path)
    lacking = "import importlib.util as u; print(u.find_spec('torch'), u.find_spec('fastapi'))"
    assert run(python, "-c", lacking, cwd=tmp_path).split() == ["None", "None"]
