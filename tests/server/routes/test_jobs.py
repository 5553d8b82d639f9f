import pytest

from tests.server.routes.conftest import Asked


def test_a_study_comes_in_is_queued_and_goes(asked: Asked) -> None:
    client = asked.client
    job = client.post("/api/jobs", json={"name": "Knie", "modality": "MR"}).json()
    assert job["state"] == "uploading" and job["results"] == []
    place = f"/api/jobs/{job['id']}"
    assert client.post(f"{place}/start").status_code == 409  # no files
    assert client.put(f"{place}/files/a/b.dcm", content=b"x" * 10).status_code == 201
    again = client.put(f"{place}/files/a/b.dcm", content=b"y" * 30).json()
    assert (again["files"], again["size"]) == (1, 30)  # sent twice
    assert client.put(f"{place}/files/big.dcm", content=bytes(10**7)).status_code == 413
    assert client.post(f"{place}/start").json()["state"] == "queued"
    assert client.put(f"{place}/files/late.dcm", content=b"x").status_code == 409
    assert client.post(f"{place}/cancel").json()["state"] == "cancelled"
    assert client.post(f"{place}/cancel").status_code == 409
    assert [one["name"] for one in client.get("/api/jobs").json()] == ["Knie", "study"]
    assert client.delete(place).status_code == 204
    assert client.get(place).status_code == 404


def test_another_slice_becomes_a_task(asked: Asked) -> None:
    answer = asked.client.post(f"{asked.result}/slice", json={"slice_index": 2})
    assert answer.json() == {"key": f"{asked.key}-slice-002"}
    job = asked.store.get(asked.job)
    assert job is not None and job.state == "queued"
    assert [(t.key, t.slice_index) for t in job.tasks] == [(asked.key, 2)]
    beyond = asked.client.post(f"{asked.result}/slice", json={"slice_index": 99})
    assert beyond.status_code == 409 and "0 to 8" in beyond.json()["detail"]


def test_what_is_not_there_is_a_404(asked: Asked) -> None:
    for place in (f"/api/jobs/{'0' * 32}", f"/api/jobs/{asked.job}/results/other"):
        assert asked.client.get(place).status_code == 404
    assert asked.client.get("/api/jobs/not-an-id").status_code == 422


def test_the_state_of_a_job_that_is_over_is_told_once(asked: Asked) -> None:
    answer = asked.client.get(f"/api/jobs/{asked.job}/events")
    assert answer.text.count("data: ") == 1 and '"state":"done"' in answer.text


def test_what_a_person_says_of_a_study_is_kept(asked: Asked) -> None:
    said = {"spacing": [0.5, 0.4], "anchor": {"level": "L5", "place": 2}}
    made = asked.client.post("/api/jobs", json={"name": "film", **said}).json()
    job = asked.store.get(made["id"])
    assert job is not None and (job.spacing, job.anchor) == ((0.5, 0.4), ("L5", 2))


@pytest.mark.parametrize(
    "said",
    [
        {"spacing": [0.5, 50]}, {"spacing": [0, 0]}, {"spacing": 0.5},
        {"anchor": {"level": "L9", "place": 1}}, {"anchor": {"level": "L5", "place": 0}},
        {"anchor": "L5=1"},
    ],
)  # fmt: skip
def test_what_cannot_be_said_of_a_study_is_refused(said: dict[str, object], asked: Asked) -> None:
    assert asked.client.post("/api/jobs", json={"name": "film", **said}).status_code == 422
