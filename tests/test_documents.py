"""Documents quote what was measured and name what exists."""

import re
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from quote import documents, quoted


def test_quoted_figures_are_those_of_the_committed_files() -> None:
    stale = [p.name for p in documents() if quoted(p.read_text()) != p.read_text()]
    assert not stale, f"run make figures: {stale}"


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for path in documents():
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
            if "://" not in target and not (path.parent / target).exists():
                broken.append(f"{path.name}: {target}")
    assert not broken


def test_every_command_has_its_place_in_the_reference() -> None:
    from spinetk.cli import app

    text = (ROOT / "docs" / "reference" / "command-line.md").read_text()
    for command in app.registered_commands:
        assert f"spinetk {command.callback.__name__}" in text  # type: ignore[union-attr]


def test_the_readmes_python_runs(phantom_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "README.md").read_text()
    block = re.search(r"## Python\n((?:    .*\n|\n)+)", text)
    assert block
    program = textwrap.dedent(block[1]).replace("path/to/study", str(phantom_folder / "dicom"))
    exec(compile(program, "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert "slice" in lines[0] and sum(line.startswith("vertebral_body") for line in lines) >= 8


def test_every_test_that_documents_name_is_there() -> None:
    """`readers/test_dicom.py::test_a_localizer_*` and the like in docs/formats.md."""
    text = (ROOT / "docs" / "formats.md").read_text()
    files = [str(path.relative_to(ROOT / "tests")) for path in (ROOT / "tests").rglob("test_*.py")]
    missing, named = [], ""
    for found in re.finditer(r"`([\w/]*test_\w+\.py)?(?:::(\w+)(\*?))?`", text):
        named = found[1] or named
        here = [file for file in files if f"/{file}".endswith(f"/{named}")]
        source = "".join((ROOT / "tests" / file).read_text() for file in here)
        end = "" if found[3] else r"\("
        if not here or (found[2] and not re.search(rf"def {found[2]}{end}", source)):
            missing.append(found[0])
    assert missing == []
