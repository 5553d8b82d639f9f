"""The base install holds nothing under the GPL; what a major version changes is bounded."""

import re
import runpy
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
FREE = re.compile(r"MIT|BSD|Apache|ISC|PSF|HPND|Zlib|CC0|MPL")
BOUNDED = {"numpy", "opencv-python-headless", "pydicom", "highdicom", "nibabel"}


def test_the_base_install_is_free_of_the_gpl() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "licences.py"))
    packages = tool["base_install"]()
    assert {"pydicom", "onnxruntime", "opencv-python-headless"} <= set(packages)
    assert not {"torch", "pylibjpeg-libjpeg", "pandas"} & set(packages)
    for name, package in packages.items():
        licence = tool["licence_of"](package)
        assert FREE.search(licence) and "GPL" not in licence, f"{name}: {licence}"


def test_what_a_major_version_changes_is_bounded() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {r.name: r for r in map(Requirement, project["dependencies"])}
    for name in BOUNDED:
        assert any(part.operator == "<" for part in needed[name].specifier), name
