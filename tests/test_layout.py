"""The house: imports run one way, each piece of knowledge has one home, tests mirror the source."""

import ast
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE, TESTS = ROOT / "src" / "spinetk", ROOT / "tests"
NO_LOGIC = {
    "batch_options.py",
    "evaluation/rows.py",
    "readers/reader.py",
    "readers/volume_files.py",
    "server/schema.py",
    "server/settings.py",
    "server/strict.py",
    "server/work_messages.py",
}
"""Data and protocols, tested where they are used."""
LONG, LONGEST = 260, 560
KNOWN_TO_BE_LONG = {
    "anatomy.py",
    "cli.py",
    "phantom/image.py",
    "readers/dicom_headers.py",
    "study.py",
}


def modules() -> list[Path]:
    found = (p.relative_to(SOURCE) for p in SOURCE.rglob("*.py"))
    return sorted(p for p in found if p.name != "__init__.py")


def test_imports_run_one_way() -> None:
    tool = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if tool is None:
        pytest.skip("needs import-linter (the dev extra)")
    done = subprocess.run([tool], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_with_logic_has_a_test_of_its_name() -> None:
    missing = [
        str(path)
        for path in modules()
        if str(path) not in NO_LOGIC and not (TESTS / path.parent / f"test_{path.name}").is_file()
    ]
    assert missing == []


def test_no_two_modules_of_one_name_do_different_things() -> None:
    names = [path.name for path in modules()]
    twice = {name for name in names if names.count(name) > 1}
    assert twice <= {"nifti.py", "dicom.py", "jobs.py"}, twice


@pytest.mark.parametrize(
    ("what", "pattern", "home"),
    [
        ("the list of levels", r'"T13"', "structures.py"),
        ("the grammar of keys", r"-corrected-|-slice-", "results/keys.py"),
        ("write, then rename", r"\.unfinished|os\.fsync", "atomic.py"),
        ("the record's file", r'"run\.json"', "results/record.py"),
        ("words of an unforeseen error", r'"unexpected \{|f"unexpected ', "debugging.py"),
    ],
)
def test_each_piece_of_knowledge_has_one_home(what: str, pattern: str, home: str) -> None:
    quoted = re.compile(r'("""(?:[^"]|"(?!""))*"""|#[^\n]*)')
    where = [
        str(path)
        for path in modules()
        if re.search(pattern, quoted.sub("", (SOURCE / path).read_text()))
    ]
    assert where == [home], what


def test_files_are_short_enough_to_hold_one_idea() -> None:
    lengths = {str(p): len((SOURCE / p).read_text().splitlines()) for p in modules()}
    long = {name for name, count in lengths.items() if count > LONG}
    assert long <= KNOWN_TO_BE_LONG
    assert max(lengths.values()) <= LONGEST


@pytest.mark.parametrize("folder", ["benchmarks", "experiments", "recipes", "tools"])
def test_scripts_import_what_is_there(folder: str) -> None:
    """Names that a script imports from the package; the scripts themselves are not run."""
    missing = []
    for path in sorted((ROOT / folder).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spinetk"):
                try:
                    module = importlib.import_module(str(node.module))
                except ModuleNotFoundError as error:
                    if str(error.name).startswith("spinetk"):
                        missing.append(f"{path.name}: {node.module}")
                    continue  # of an extra that is not installed
                missing += [
                    f"{path.name}: {node.module}.{name.name}"
                    for name in node.names
                    if not hasattr(module, name.name)
                ]
    assert missing == []
