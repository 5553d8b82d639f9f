"""Keys by what a study knows its cases by, the same whatever else lies beside."""

import re
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from spinetk.case_names import (
    renamed,
    template_of,
    with_folders,
    with_kept_keys,
)
from spinetk.case_places import in_shard, place_in
from spinetk.errors import UsageError
from spinetk.readers import FoundSeries, find
from spinetk.results.provenance import SourceRow


def volume(path: Path, value: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(np.full((3, 8, 8), value, np.int16), np.eye(4)), path)
    return path


def keys(series: list[FoundSeries]) -> list[str]:
    return [item.key for item in series]


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    for number in (1, 2, 10):
        volume(tmp_path / "cohort" / f"case{number:02d}" / "t2.nii.gz", number)
    return tmp_path / "cohort"


def test_a_folder_for_each_case_gives_the_keys(cohort: Path) -> None:
    found = find([cohort]).series
    assert keys(list(found)) == ["t2", "t2-2", "t2-3"]
    named, _ = renamed(found, template_of("folder"), [cohort])
    assert keys(named) == ["case01", "case02", "case10"]


def test_several_series_in_a_folder_keep_their_names(cohort: Path) -> None:
    volume(cohort / "case01" / "t1.nii.gz")
    named, _ = renamed(find([cohort]).series, template_of("folder"), [cohort])
    assert sorted(keys(named)) == ["case01_t1", "case01_t2", "case02", "case10"]


def test_labels_beside_the_only_image_add_nothing_to_its_key(cohort: Path) -> None:
    volume(cohort / "case01" / "t2_seg.nii.gz")
    volume(cohort / "case02" / "a_label.nii.gz")  # before its image
    named, _ = renamed(find([cohort]).series, template_of("folder"), [cohort])
    images = {item.key for item in named if item.place.name == "t2.nii.gz"}
    assert images == {"case01", "case02", "case10"} and len(set(keys(named))) == 5


def test_a_template_joins_fields_and_bad_letters_go(cohort: Path) -> None:
    volume(cohort / "an odd: name" / "t2.nii.gz")
    named, _ = renamed(find([cohort]).series, template_of("{folder}.{name}"), [cohort])
    assert [key for key in keys(named) if "odd" in key] == ["an_odd_name.t2-1"] or any(
        re.fullmatch(r"an_odd_name\.t2(-\d)?", key) for key in keys(named)
    )


def test_a_named_file_is_named_by_its_folder(cohort: Path) -> None:
    path = cohort / "case02" / "t2.nii.gz"
    assert keys(renamed(find([path]).series, template_of("folder"), [path])[0]) == ["case02"]


@pytest.mark.parametrize("text", ["", "patient", "{nobody}", "{folder", "{folder!r}", "{name:3}"])
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="key-from"):
        template_of(text)


@pytest.fixture
def dicom(phantom_folder: Path, tmp_path: Path) -> Path:
    out = tmp_path / "dicom" / "a"
    out.mkdir(parents=True)
    for path in sorted((phantom_folder / "dicom").iterdir())[:3]:
        dataset = pydicom.dcmread(path)
        dataset.PatientID, dataset.AccessionNumber = "Müller 7/3", "A1"
        dataset.save_as(out / path.name)
    return tmp_path / "dicom"


def test_values_of_the_header_are_taken_where_they_are_asked_for(dicom: Path) -> None:
    found = find([dicom]).series
    template = template_of("{PatientID}-{AccessionNumber}-{SeriesNumber}")
    assert keys(renamed(found, template, [dicom])[0]) == ["Müller_7_3-A1-1"]
    assert keys(renamed(found, template_of("folder"), [dicom])[0]) == ["a"]


def test_a_series_without_the_value_is_refused_and_no_other(cohort: Path, dicom: Path) -> None:
    series = [*find([cohort]).series, *find([dicom]).series]
    named, refused = renamed(series, template_of("PatientID"), [cohort, dicom])
    assert keys(named) == ["Müller_7_3"]
    assert [item.name for item in refused] == ["t2.nii.gz"] * 3
    assert all("has no PatientID" in item.reason for item in refused)


def rows_of(series: list[FoundSeries], top: Path) -> list[SourceRow]:
    return [
        SourceRow(item.key, place_in(item, [top]).as_posix(), "", item.input_sha256)
        for item in series
    ]


def test_cases_added_and_removed_leave_the_others_keys(cohort: Path) -> None:
    before = list(find([cohort]).series)
    known = rows_of(before, cohort)
    volume(cohort / "case00" / "t2.nii.gz", 20)
    (cohort / "case02" / "t2.nii.gz").unlink()
    after = with_kept_keys(find([cohort]).series, known, [cohort])
    by_place = {place_in(item, [cohort]).parent.name: item.key for item in after}
    assert by_place == {"case00": "t2-4", "case01": "t2", "case10": "t2-3"}


def test_another_content_at_the_same_place_keeps_its_key(cohort: Path) -> None:
    known = rows_of(list(find([cohort]).series), cohort)
    volume(cohort / "case02" / "t2.nii.gz", 99)
    after = with_kept_keys(find([cohort]).series, known, [cohort])
    assert keys(after) == ["t2", "t2-2", "t2-3"]  # the batch says that it is another input


def test_files_named_one_by_one_are_told_apart(cohort: Path) -> None:
    paths = [cohort / f"case{k:02d}" / "t2.nii.gz" for k in (1, 2, 10)]
    found = list(find(paths).series)
    assert [place_in(item, paths) for item in found] == paths
    known = [SourceRow(i.key, place_in(i, paths).as_posix(), "", i.input_sha256) for i in found[:2]]
    after = with_kept_keys(find(paths[1:]).series, known, paths[1:])  # one removed, one added
    assert keys(after)[0] == "t2-2" and keys(after)[1] not in ("t2", "t2-2")
    parts = [sum(in_shard(i, paths, (k, 3)) for i in found) for k in (1, 2, 3)]
    assert sum(parts) == 3


def test_long_names_fit_a_file_system(tmp_path: Path) -> None:
    for name in ("b" * 200, "c" * 200):
        volume(tmp_path / "in" / ("a" * 100) / f"{name}.nii.gz")
    named, _ = renamed(find([tmp_path / "in"]).series, template_of("folder"), [tmp_path / "in"])
    assert all(len(key) <= 110 for key in keys(named)) and len(set(keys(named))) == 2


def test_a_copy_is_a_case_of_its_own_and_a_damaged_file_stops_nobody(cohort: Path) -> None:
    known = rows_of(list(find([cohort]).series), cohort)
    shutil.copytree(cohort / "case02", cohort / "case00")
    (cohort / "case11.mhd").write_text("ObjectType = Image\nNDims = 3\n")
    after = with_kept_keys(find([cohort]).series, known, [cohort])
    by_place = {place_in(item, [cohort]).as_posix(): item.key for item in after}
    assert by_place["cohort/case02/t2.nii.gz"] == "t2-2"
    assert by_place["cohort/case00/t2.nii.gz"] == "t2-4"
    assert len(set(by_place.values())) == 5


def test_names_with_their_folders_are_no_other_files(tmp_path: Path) -> None:
    places = [
        "a/b_1",
        "a_b/1",
        "a/b/1",
        "p 1/x",
        "p_1/x",
        "n" * 120 + "/1",
        "n" * 120 + "/2",
        "c/t2",
    ]
    for place in places:
        volume(tmp_path / "top" / f"{place}.nii.gz")
    # each is looked at alone, as when it comes from elsewhere
    found = [
        with_folders(find([tmp_path / "top" / f"{place}.nii.gz"]).series, [tmp_path / "top"])[0].key
        for place in places
    ]
    assert len(set(found)) == len(places) and found[-1] == "c_t2"
