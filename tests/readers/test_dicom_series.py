from dataclasses import replace
from pathlib import Path

import pytest

from spinetk.readers.dicom_headers import Header, read_headers
from spinetk.readers.dicom_series import series_of


@pytest.fixture(scope="module")
def headers(phantom_folder: Path) -> list[Header]:
    return [read_headers(path)[0] for path in sorted((phantom_folder / "dicom").iterdir())]


def test_two_patients_under_one_series_uid_are_two_studies(headers: list[Header]) -> None:
    other = [replace(header, patient="b") for header in headers]
    first, second = series_of([*headers, *other])
    assert first.key != second.key and len(first.headers) == len(second.headers) == 9
    for found in (first, second):
        assert len({h.patient for h in found.headers}) == 1
        assert [w.code for w in found.warnings] == ["several-patients"]


def test_two_frames_of_reference_are_two_series(headers: list[Header]) -> None:
    other = [replace(header, frame_of_reference="1.2.3") for header in headers]
    found = series_of([*headers, *other])
    assert [len(one.headers) for one in found] == [9, 9]
    assert all([w.code for w in one.warnings] == ["split"] for one in found)


def test_a_series_uid_for_every_image_is_one_series(headers: list[Header]) -> None:
    parted = [replace(header, series=f"1.2.{k}") for k, header in enumerate(headers)]
    [found] = series_of(parted)
    assert len(found.headers) == 9 and [w.code for w in found.warnings] == ["joined"]
    other = [replace(header, description="other") for header in parted[:4]]
    assert sorted(len(one.headers) for one in series_of([*other, *parted[4:]])) == [4, 5]


def test_single_images_at_one_place_stay_apart(headers: list[Header]) -> None:
    repeated = [replace(headers[4], series=f"1.2.{k}") for k in range(4)]
    assert [len(one.headers) for one in series_of(repeated)] == [1, 1, 1, 1]


def test_two_names_under_one_number_are_two_people(headers: list[Header]) -> None:
    a = [replace(header, person="a") for header in headers]
    b = [replace(header, person="b") for header in headers]
    found = series_of([*a, *b])
    assert [len(one.headers) for one in found] == [9, 9] and len({o.key for o in found}) == 2
    unnamed = [replace(header, person="") for header in headers[:4]]
    assert len(series_of([*a[4:], *unnamed])) == 1


def test_a_frame_of_reference_for_every_image_parts_nothing(headers: list[Header]) -> None:
    own = [replace(header, frame_of_reference=f"1.{k}") for k, header in enumerate(headers)]
    assert [len(one.headers) for one in series_of(own)] == [9]


def test_notes_without_a_patient_change_no_key(headers: list[Header]) -> None:
    note = replace(headers[0], modality="PR", patient="", series="9.9", series_number=99)
    keys = {one.key for one in series_of(headers)}
    assert keys < {one.key for one in series_of([*headers, note])}


def test_a_series_uid_and_a_number_for_every_image_is_one_series(headers: list[Header]) -> None:
    parted = [
        replace(header, series=f"1.2.{k}", series_number=k, description="t2")
        for k, header in enumerate(headers)
    ]
    [found] = series_of(parted)
    assert len(found.headers) == 9 and [w.code for w in found.warnings] == ["joined"]
    # a scout, and images that lie anyhow, are none
    uneven = [parted[k] for k in (0, 1, 5, 8)]
    assert len(series_of(uneven)) == 4
    unsaid = [replace(header, description="") for header in parted]
    assert len(series_of(unsaid)) == 9


def test_one_person_in_two_spellings_is_one(headers: list[Header]) -> None:
    spelt = [replace(h, person="ab"[k % 2]) for k, h in enumerate(headers)]
    [found] = series_of(spelt)
    assert len(found.headers) == 9 and [w.code for w in found.warnings] == ["joined"]
    # of two frames of reference nobody knows
    apart = [replace(h, frame_of_reference=f"1.2.{h.person}") for h in spelt]
    assert len(series_of(apart)) == 2
