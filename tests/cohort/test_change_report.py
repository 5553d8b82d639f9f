"""The report of changes refers to both studies and holds what changes.csv holds."""

import subprocess
from pathlib import Path

import pydicom
import pytest

from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.cohort.change_report import change_report
from spinetk.cohort.followup import write_comparison
from spinetk.cohort.over_time import TimePoint, changes, time_point
from spinetk.errors import UsageError
from spinetk.network.loaded import LoadedModel
from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
from tests.debian import needs_debian


@pytest.fixture(scope="module")
def points(
    mr_model: LoadedModel, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TimePoint, TimePoint]:
    """One patient's two studies."""
    folder = tmp_path_factory.mktemp("times")
    found = []
    for name, fracture in (("2024", None), ("2026", "L1")):
        write_phantom(
            make_phantom(PhantomConfig(slices=1, samples=1, fracture=fracture)), folder / name
        )
        for path in (folder / name / "dicom").iterdir():
            dataset = pydicom.dcmread(path)
            dataset.PatientID, dataset.PatientName = "4711", "Doe^Jane"
            dataset.save_as(path)
        options = Options(formats=("csv", "seg", "sr"))
        segment_all([folder / name / "dicom"], folder / f"{name}-results", options,
                    models={"mr": mr_model})  # fmt: skip
        found.append(time_point(folder / f"{name}-results"))
    return found[0], found[1]


def called(item: pydicom.Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


@needs_debian("dcmtk", "dsrdump")
def test_dcmtk_reads_it(points: tuple[TimePoint, TimePoint], tmp_path: Path) -> None:
    write_comparison(points, tmp_path / "out")
    done = subprocess.run(
        ["dsrdump", str(tmp_path / "out" / "changes.dcm")], capture_output=True, text=True
    )
    assert done.returncode == 0 and "Change of height anterior" in done.stdout, done.stderr


def test_it_holds_the_changes_and_refers_to_both_studies(
    points: tuple[TimePoint, TimePoint], tmp_path: Path
) -> None:
    write_comparison(points, tmp_path / "out")
    report = pydicom.dcmread(tmp_path / "out" / "changes.dcm")
    earlier, later = (pydicom.dcmread(point.folder / "sr.dcm") for point in points)
    assert report.PatientID == "4711" and report.StudyInstanceUID == later.StudyInstanceUID
    texts = str(report)
    assert str(earlier.SOPInstanceUID) in texts and str(earlier.StudyInstanceUID) in texts
    [measured] = [i for i in report.ContentSequence if called(i) == "Imaging Measurements"]
    found = {}
    for group in measured.ContentSequence:
        items = group.ContentSequence
        [name] = [i.TextValue for i in items if called(i) == "Tracking Identifier"]
        for item in (i for i in items if i.ValueType == "NUM"):
            found[name, called(item)] = float(item.MeasuredValueSequence[0].NumericValue)
    wanted = changes(*points)
    assert len(found) == len(wanted)
    for change in wanted:
        name = f"{change.structure.replace('_', ' ')} {change.level}"
        meaning = f"Change of {change.measure.replace('_', ' ')}"
        assert found[name, meaning] == pytest.approx(change.change, rel=1e-6)
    assert found["vertebral body L1", "Change of height anterior"] < -8


def test_studies_of_two_patients_are_not_compared(
    points: tuple[TimePoint, TimePoint],
) -> None:
    path = points[0].folder / "sr.dcm"
    content = path.read_bytes()
    dataset = pydicom.dcmread(path)
    dataset.PatientID = "other"
    dataset.save_as(path)
    try:
        with pytest.raises(UsageError, match="another patient"):
            change_report(*points, changes(*points))
    finally:
        path.write_bytes(content)


def test_without_reports_there_is_none(points: tuple[TimePoint, TimePoint]) -> None:
    path = points[0].folder / "sr.dcm"
    path.rename(path.with_name("away"))
    try:
        assert change_report(*points, changes(*points)) is None
    finally:
        path.with_name("away").rename(path)
