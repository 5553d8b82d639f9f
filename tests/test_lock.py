"""constraints.txt holds everything that pyproject.toml names, within its bounds."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def test_every_dependency_is_locked_within_its_bounds() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    locked = {
        canonicalize_name(name): version
        for line in lines
        if not line.startswith("#")
        for name, _, version in [line.partition("==")]
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(r for part in extras.values() for r in part)]
    for needed in map(Requirement, asked):
        name = canonicalize_name(needed.name)
        if name == "spinetk" or "pylibjpeg[all]" in str(needed):
            continue
        assert name in locked and needed.specifier.contains(locked[name]), needed


def test_both_ways_of_ci_run_the_same_suite() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    newest = (ROOT / ".ci" / "newest").read_text()
    assert "make test" in newest and "CONSTRAINTS=\n" in newest
