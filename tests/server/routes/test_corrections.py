import io
import json
import zipfile
from typing import Any

import pytest

from tests.server.routes.conftest import Asked


def marks(asked: Asked) -> list[dict[str, Any]]:
    shown = asked.client.get(asked.result).json()["instances"]
    return [{k: m[k] for k in ("id", "kind", "level", "score", "rle")} for m in shown]


def test_one_stroke_changes_one_instance(asked: Asked) -> None:
    before = marks(asked)
    shown = asked.client.get(asked.result).json()["instances"]
    x, y = shown[0]["centre"]
    change = {"place": 0, "how": "erase", "stroke": [[x, y]], "radius": 4.0}
    after = asked.client.post(f"{asked.result}/edit", json={"marks": before, "change": change})
    areas = [m["measures"]["area_px"] for m in after.json()]
    old = [m["measures"]["area_px"] for m in shown]
    assert 40 < old[0] - areas[0] < 60 and areas[1:] == old[1:]


def test_a_saved_version_stands_beside_the_original_and_in_the_data_set(asked: Asked) -> None:
    wanted = {"marks": marks(asked)[:2], "who": "Dr. Who", "note": ""}
    made = asked.client.post(f"{asked.result}/versions", json=wanted)
    assert made.status_code == 201 and made.json()["key"] == f"{asked.key}-corrected-1"
    shown = asked.client.get(f"{asked.result}-corrected-1").json()
    assert shown["correction"]["who"] == "Dr. Who" and shown["series"] == asked.key
    assert shown["versions"] == [asked.key, f"{asked.key}-corrected-1"]
    job = asked.client.get(f"/api/jobs/{asked.job}").json()
    assert [row["key"] for row in job["results"]] == shown["versions"]
    content = asked.client.get("/api/corrections.zip", params={"exhaustive": True}).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        annotations = json.loads(archive.read("annotations.json"))
    assert len(annotations["annotations"]) == 2 and annotations["images"][0]["exhaustive"]


def test_what_is_given_is_taken(asked: Asked) -> None:
    given = asked.client.get(asked.result).json()["instances"]
    answer = asked.client.post(f"{asked.result}/edit", json={"marks": given})
    assert answer.status_code == 200 and answer.json() == given
    assert (
        asked.client.post(f"{asked.result}/versions", json={"marks": given, "who": "A"}).status_code
        == 201
    )


def test_the_second_of_two_readers_is_told_and_both_versions_stay(asked: Asked) -> None:
    every = marks(asked)
    address, seen = f"{asked.result}/versions", asked.client.get(asked.result).json()["versions"]
    first = {"marks": every[:-1], "who": "First", "known": seen}
    second = {"marks": every[:-2], "who": "Second", "known": seen}
    assert asked.client.post(address, json=first).status_code == 201
    told = asked.client.post(address, json=second)
    assert told.status_code == 409
    assert f"First saved {asked.key}-corrected-1 in the meantime (" in told.json()["detail"]
    assert "deleted" in told.json()["detail"]
    assert len(asked.client.get(asked.result).json()["versions"]) == 2  # nothing was saved
    del second["known"]
    assert asked.client.post(address, json=second).status_code == 201
    kept = [
        len(asked.client.get(f"{asked.result}-corrected-{n}").json()["instances"]) for n in (1, 2)
    ]
    assert kept == [len(every) - 1, len(every) - 2]


def test_a_job_that_is_deleted_meanwhile_takes_no_version(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {"marks": marks(asked)[:2], "who": "x", "note": ""}
    monkeypatch.setattr(type(asked.store), "update", lambda *_: None)
    assert asked.client.post(f"{asked.result}/versions", json=wanted).status_code == 404


def test_what_no_person_could_mean_is_refused_with_its_place(asked: Asked) -> None:
    good = marks(asked)[:1]
    disc = {**good[0], "kind": "intervertebral_disc"}
    for mark, place in (
        ({**good[0], "level": "L7"}, "marks.0"),
        ({**disc, "level": "L1-L5"}, "marks.0"),
        ({**disc, "level": "L5-L4"}, "marks.0"),
        ({**good[0], "level": "L4-L5"}, "marks.0"),
        ({**good[0], "rle": {"size": [3, 3], "counts": "9"}}, "a mask's run lengths"),
    ):
        answer = asked.client.post(f"{asked.result}/edit", json={"marks": [mark]})
        assert answer.status_code == 422 and place in answer.json()["detail"], mark["level"]
    fine = asked.client.post(f"{asked.result}/edit", json={"marks": [{**disc, "level": "L5-L6"}]})
    assert fine.status_code == 200
    beyond = {"marks": good, "change": {"place": 5, "how": "paint", "stroke": [[1, 1]]}}
    assert asked.client.post(f"{asked.result}/edit", json=beyond).status_code == 422
