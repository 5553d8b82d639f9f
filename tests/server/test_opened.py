"""A folder of the command line's results in the server."""

import shutil
from pathlib import Path

import httpx
import pytest

from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.errors import UsageError
from spinetk.network.loaded import LoadedModel
from spinetk.server.opened import images_of, job_of, series_in
from tests.server.conftest import Serve


@pytest.fixture(scope="module")
def made(
    phantom_folder: Path, mr_model: LoadedModel, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """data/case1/dicom and data/case2/dicom, the same phantom, under the names of their folders."""
    top = tmp_path_factory.mktemp("archive")
    shutil.copytree(phantom_folder / "dicom", top / "data" / "case1" / "dicom")
    options = Options(key_from="{folder}", sources=True)
    segment_all([top / "data" / "case1"], top / "results", options, models={"mr": mr_model})
    return top


def test_a_folder_of_results_is_a_job_that_knows_its_images(made: Path) -> None:
    job = job_of(made / "results", made / "data" / "case1")
    [row] = job.results
    place, sha256 = images_of(job, row["key"])
    assert place.is_relative_to(made / "data")
    found = series_in(place, row["key"], sha256)
    assert found is not None and found.key == row["key"] and found.input_sha256 == sha256
    assert series_in(place, row["key"], "0" * 64) is None
    with pytest.raises(UsageError, match="--images"):
        images_of(job, "another")
    with pytest.raises(UsageError, match="no result"):
        job_of(made / "data", None)


def test_results_of_the_command_line_are_looked_at_corrected_and_kept(
    made: Path, serve: Serve, tmp_path: Path
) -> None:
    results = made / "results"
    jobs = tmp_path / "jobs"
    with serve(jobs, str(results), "--images", str(made / "data" / "case1")) as served:
        api = httpx.Client(base_url=served.url, timeout=60)
        [row] = api.get("/api/worklist").json()
        place = f"/api/jobs/{row['job']}/results/{row['key']}"
        assert row["verdict"] and row["levels"].endswith("-S1") and row["look"] is None
        picture = api.get(f"{place}/thumbnail.png")
        assert picture.headers["content-type"] == "image/png"
        said = {"decision": "reject", "who": "Ann", "comment": "moved"}
        assert api.put(f"{place}/look", json=said).json()["decision"] == "reject"
        assert api.put(f"{place}/look", json=said | {"who": " "}).status_code == 422
        [row] = api.get("/api/worklist").json()
        assert row["look"]["comment"] == "moved" and row["corrected_by"] is None
        shown = api.get(place).json()
        assert shown["look"]["who"] == "Ann" and len(shown["instances"]) > 10
        assert api.get(f"{place}/volume.nii").status_code == 200
        fields = ("id", "kind", "level", "score", "rle")
        marks = [{name: mark[name] for name in fields} for mark in shown["instances"][1:]]
        saved = api.post(f"{place}/versions", json={"marks": marks, "who": "Bob"}).json()
        [row] = api.get("/api/worklist").json()
        assert row["key"] == saved["key"] and row["corrected_by"] == "Bob" and row["look"] is None
        assert api.get("/api/jobs").json()[0]["opened"]
        assert api.delete(f"/api/jobs/{row['job']}").status_code == 204
    assert (results / saved["key"] / "run.json").is_file()  # they are not the server's to delete
    assert (made / "data" / "case1" / "dicom").is_dir()
    with serve(jobs) as served:
        assert httpx.get(f"{served.url}/api/worklist").json() == []


def test_without_its_images_a_result_says_what_is_missing(
    made: Path, serve: Serve, tmp_path: Path
) -> None:
    shutil.copytree(made / "results", tmp_path / "elsewhere" / "results")
    with serve(tmp_path / "jobs", str(tmp_path / "elsewhere" / "results")) as served:
        [row] = httpx.get(f"{served.url}/api/worklist").json()
        answer = httpx.get(f"{served.url}/api/jobs/{row['job']}/results/{row['key']}", timeout=60)
        assert answer.status_code == 409 and "--images" in answer.json()["detail"]
