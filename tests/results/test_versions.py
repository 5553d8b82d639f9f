"""Which results count."""

import json
import shutil
from pathlib import Path

from spinetk.results.folders import results_below
from spinetk.results.versions import last_versions, latest, version_of

CORRECTION = {"of": "p1", "who": "a", "when": "2026", "changes": [], "note": ""}


def version(result: Path, key: str, corrected: bool = True) -> None:
    place = result.parent / key
    shutil.copytree(result, place)
    changed = {"key": key, "correction": CORRECTION if corrected else None}
    record = json.loads((place / "run.json").read_text()) | changed
    (place / "run.json").write_text(json.dumps(record))


def test_of_a_corrected_result_the_last_version_counts(own_result: Path) -> None:
    own, out = own_result.name, own_result.parent
    version(own_result, "p1", corrected=False)
    for number in (1, 2, 10):
        version(own_result, f"p1-corrected-{number}")
    # a series that only has such a name is no correction
    version(own_result, "x-corrected-9", corrected=False)
    expected = [own, "p1-corrected-10", "x-corrected-9"]
    assert [folder.name for folder, _ in last_versions(out)] == sorted(expected)
    found = latest(results_below(out))
    assert sorted(folder.name for folder in found) == sorted(expected)
    assert [version_of(record) for record in found.values()] == [0, 10, 0]


def test_keys_are_a_folders_own(own_result: Path, tmp_path: Path) -> None:
    for site in ("a", "b"):
        shutil.copytree(own_result, tmp_path / "in" / site / "p1")
        version(tmp_path / "in" / site / "p1", "p1-corrected-1")
    found = latest(results_below(tmp_path / "in"))
    assert [folder.parent.name for folder in found] == ["a", "b"]
