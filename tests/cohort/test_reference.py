"""A reference group: built from a cohort, used on a new result."""

import csv
import json
from pathlib import Path

import pytest

from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.cohort import reference
from spinetk.cohort.gather import gather
from spinetk.cohort.long_table import values_of
from spinetk.cohort.reference import (
    PERCENTILES,
    build,
    groups_of,
    read_reference,
    standings,
    write_reference,
)
from spinetk.errors import UsageError
from spinetk.network.loaded import LoadedModel
from spinetk.results.record import read_record
from tests.cohort.conftest import like


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve persons are enough here."""
    monkeypatch.setattr(reference, "FEWEST", 5)


@pytest.fixture
def group(cohort: Path, tmp_path: Path) -> Path:
    lines = ["participant_id\tsex\tage"]
    lines += [f"person-{k:02d}\t{'FM'[k % 2]}\t{60 + k % 3}" for k in range(12)]
    (tmp_path / "participants.tsv").write_text("\n".join(lines) + "\n")
    gather(cohort, tmp_path / "participants.tsv")
    return cohort


def test_what_was_built_is_read_again_and_says_who_they_are(group: Path, tmp_path: Path) -> None:
    made = build(group, "twelve phantoms")
    write_reference(tmp_path / "reference.json", made)
    again = read_reference(tmp_path / "reference.json")
    assert again == made and again.about == "twelve phantoms"
    assert made.people == 11  # the one to be rejected is left out
    assert set(made.norms) == {"all", "F", "M", "F 60-69", "M 60-69"} - (
        set() if made.norms.get("M 60-69") else {"M 60-69"}
    )


def test_a_value_in_the_middle_has_no_deviation_and_a_large_one_has(
    group: Path, one_result: Path, tmp_path: Path
) -> None:
    made = build(group, "twelve phantoms")
    record = read_record(one_result)
    found = standings(values_of(one_result, record), made, ("all",))
    heights = [s for s in found if s.measure == "height_middle"]
    assert heights and all(abs(s.z or 0) < 1 for s in heights)
    large = like(one_result, tmp_path / "large", 3.0)
    found = standings(values_of(large, read_record(large)), made, ("all",))
    heights = [s for s in found if s.measure == "height_middle"]
    assert all((s.z or 0) > 3 and s.percentile == 97 for s in heights)


@pytest.mark.parametrize(
    ("sex", "age", "groups"),
    [
        ("F", "061Y", ("F 60-69", "F", "all")),
        ("male", "7", ("M 0-9", "M", "all")),
        ("M", "", ("M", "all")),
        ("O", "061Y", ("all",)),
        ("F", "018M", ("F", "all")),  # months
        ("", "50", ("all",)),
    ],
)
def test_the_closest_group_comes_first(sex: str, age: str, groups: tuple[str, ...]) -> None:
    assert groups_of(sex, age) == groups


def test_what_is_no_reference_is_refused(tmp_path: Path, cohort: Path) -> None:
    path = tmp_path / "a.json"
    short = {"people": 5, "mean": 1, "sd": 1, "percentiles": [1, 2]}
    cut = {"format": 1, "percentiles": PERCENTILES, "about": "", "people": 5, "networks": [],
           "norms": {"all": {"a": short}}}  # fmt: skip
    for text in ("", "{}", json.dumps({"format": 9}), "[1]", "[" * 100_000, json.dumps(cut)):
        path.write_text(text)
        with pytest.raises(UsageError, match="no reference group"):
            read_reference(path)
    with pytest.raises(UsageError, match="gather first"):
        build(cohort, "nobody")
    (cohort / "measurements.csv").write_text("result;value\na;1\n")
    with pytest.raises(UsageError, match="not as spinetk gather writes it"):
        build(cohort, "nobody")


def test_a_new_result_is_held_against_the_group(
    group: Path, phantom_folder: Path, mr_model: LoadedModel, tmp_path: Path
) -> None:
    write_reference(tmp_path / "r.json", build(group, "twelve phantoms"))
    options = Options(slices=4, formats=("csv",), reference=tmp_path / "r.json")
    segment_all([phantom_folder / "dicom"], tmp_path / "out", options, models={"mr": mr_model})
    [path] = (tmp_path / "out").glob("*/reference.csv")
    rows = list(csv.DictReader(path.open()))
    assert rows and {row["group"] for row in rows} == {"all"}  # the phantom's sex is "O"
    assert all(abs(float(row["z"])) < 1.5 for row in rows if row["measure"] == "height_middle")
