"""The server from upload to corrected version, over HTTP."""

import csv
import hashlib
import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest

from spinetk.datasets.annotated import read_dataset
from spinetk.orientation import upright_turn
from spinetk.readers import read
from spinetk.rle import decode_rle
from tests.server.conftest import Serve, Served


def sent(instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{n: one[n] for n in ("id", "kind", "level", "score", "rle")} for one in instances]


def test_events_tell_of_progress_until_the_job_is_done(
    server: Served, study: dict[str, bytes]
) -> None:
    job = server.upload(study)
    states, doing = [], set()
    with server.client.stream("GET", f"/api/jobs/{job}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                news = json.loads(line.removeprefix("data: "))
                states.append(news["state"])
                doing.add(news["doing"])
    assert states[-1] == "done" and "running" in states and "reading" in doing
    assert any(text.endswith("-1") for text in doing)  # the series' key while it is searched


def test_the_results_are_those_of_the_command_line(
    server: Served, done: tuple[str, str], phantom_folder: Path, tmp_path: Path
) -> None:
    from spinetk.batch import segment_all
    from spinetk.batch_options import Options

    job, key = done
    segment_all([phantom_folder / "dicom"], tmp_path, Options())
    names = sorted(path.name for path in (tmp_path / key).iterdir())
    shown = server.ask("GET", f"jobs/{job}/results/{key}")
    assert shown["files"] == names
    for name in ("instances.coco.json", "instances.csv"):
        content = server.ask("GET", f"jobs/{job}/results/{key}/files/{name}")
        content = json.dumps(content) if isinstance(content, dict) else content.decode()
        expected = (tmp_path / key / name).read_text()
        if name.endswith("json"):
            content, expected = json.loads(content), json.loads(expected)
            assert content["annotations"] == expected["annotations"]
        else:
            assert content.replace("\r\n", "\n") == expected.replace("\r\n", "\n")
    archive = server.ask("GET", f"jobs/{job}/results.zip")
    assert f"{key}/seg.dcm" in zipfile.ZipFile(io.BytesIO(archive)).namelist()


def test_the_viewers_volume_and_the_masks_lie_on_the_same_upright_pixels(
    server: Served, done: tuple[str, str], phantom_folder: Path, tmp_path: Path
) -> None:
    job, key = done
    (tmp_path / "v.nii").write_bytes(server.ask("GET", f"jobs/{job}/results/{key}/volume.nii"))
    volume: Any = nibabel.load(tmp_path / "v.nii")
    shown = server.ask("GET", f"jobs/{job}/results/{key}")
    [series] = read(phantom_folder / "dicom").series
    one = series.slices[shown["selected_slice"]]
    turn = upright_turn(one.directions)
    page = np.asarray(volume.dataobj)[:, :, shown["selected_slice"]].T
    np.testing.assert_array_equal(page, turn.apply(one.pixels))
    masks = [decode_rle(instance["rle"]) for instance in shown["instances"]]
    assert all(mask.shape == page.shape == tuple(shown["shape"]) for mask in masks)
    assert [int(mask.sum()) for mask in masks] == [
        instance["measures"]["area_px"] for instance in shown["instances"]
    ]
    for mask, instance in zip(masks, shown["instances"], strict=True):
        ring = np.array(instance["outline"][0])
        rows, columns = np.nonzero(mask)
        np.testing.assert_allclose(ring.min(0), (columns.min(), rows.min()), atol=1.01)
        np.testing.assert_allclose(ring.max(0), (columns.max(), rows.max()), atol=1.01)


def test_a_correction_is_measured_at_once_and_saved_beside_the_original(
    server: Served, done: tuple[str, str]
) -> None:
    job, key = done
    folder = server.folder / job / "results"
    before = {path.name: path.read_bytes() for path in (folder / key).iterdir()}
    shown = server.ask("GET", f"jobs/{job}/results/{key}")
    marks = sent(shown["instances"])
    x, y = shown["instances"][2]["centre"]
    right = max(p[0] for p in shown["instances"][2]["outline"][0])
    change = {"place": 2, "how": "paint", "stroke": [[x, y], [right + 4, y]], "radius": 3}
    path = f"jobs/{job}/results/{key}"
    edited = server.ask("POST", f"{path}/edit", json={"marks": marks, "change": change})
    old, new = shown["instances"][2]["measures"], edited[2]["measures"]
    assert new["area_px"] > old["area_px"] and new["width_mm"] > old["width_mm"]
    marks = sent(edited)
    del marks[0]
    marks[0]["level"] = "C3"
    saved = server.ask("POST", f"{path}/versions", 201, json={
        "marks": marks, "who": "R. Reader", "note": "anterior border"})["key"]  # fmt: skip
    assert saved == f"{key}-corrected-1"
    assert before == {path.name: path.read_bytes() for path in (folder / key).iterdir()}
    version = server.ask("GET", f"jobs/{job}/results/{saved}")
    told = version["correction"]
    assert told["of"] == key and told["who"] == "R. Reader" and told["note"] == "anterior border"
    assert any("outline" in line for line in told["changes"])
    assert any("renamed" in line for line in told["changes"])
    assert any("deleted" in line for line in told["changes"]) and len(told["changes"]) == 3
    assert version["versions"] == [key, saved] and len(version["instances"]) == len(marks)
    areas = {one["measures"]["area_px"] for one in version["instances"]}
    assert new["area_px"] in areas
    seg = pydicom.dcmread(folder / saved / "seg.dcm")
    assert {s.SegmentAlgorithmType for s in seg.SegmentSequence} == {"SEMIAUTOMATIC"}
    assert seg.ContentCreatorName == "R. Reader"
    assert "R. Reader" in str(pydicom.dcmread(folder / saved / "sr.dcm"))
    assert not any(warning["code"] == "not-written" for warning in version["warnings"])
    coco = json.loads((folder / saved / "instances.coco.json").read_text())
    assert coco["info"]["correction"]["who"] == "R. Reader"
    mask: Any = nibabel.load(folder / saved / "mask.nii.gz")
    assert b"corrected by R. Reader" in bytes(mask.header["descrip"])
    assert "R. Reader" in (folder / saved / "report.html").read_text()
    again = server.ask("POST", f"jobs/{job}/results/{saved}/versions", 201, json={
        "marks": sent(version["instances"]), "who": "B"})["key"]  # fmt: skip
    assert again == f"{key}-corrected-2"
    # versions are among the job's results and in the summary
    assert [one["key"] for one in server.ask("GET", f"jobs/{job}")["results"]] == [
        key,
        saved,
        again,
    ]
    rows = list(csv.DictReader((folder / "summary.csv").open()))
    assert [row["key"] for row in rows] == [key, saved, again]
    assert rows[1]["bodies"] == str(sum(m["kind"] == "vertebral_body" for m in marks))


def test_moving_a_point_changes_only_what_lies_near_it(
    server: Served, done: tuple[str, str]
) -> None:
    job, key = done
    shown = server.ask("GET", f"jobs/{job}/results/{key}")
    one = shown["instances"][1]
    after = [[list(point) for point in ring] for ring in one["outline"]]
    leftmost = min(range(len(after[0])), key=lambda i: after[0][i][0])
    x, y = after[0][leftmost]
    after[0][leftmost] = [x - 6, y]
    change = {"place": 1, "how": "outline", "before": one["outline"], "after": after}
    edited = server.ask("POST", f"jobs/{job}/results/{key}/edit",
                        json={"marks": sent(shown["instances"]), "change": change})  # fmt: skip
    old, new = decode_rle(one["rle"]), decode_rle(edited[1]["rle"])
    assert new.sum() > old.sum() and not (old & ~new).any()
    rows, columns = np.nonzero(new & ~old)
    assert columns.max() < x + 12 and abs(rows.mean() - y) < 12
    # what is not touched keeps every pixel
    assert edited[4]["rle"] == shown["instances"][4]["rle"]


def test_every_level_is_named_from_one(server: Served, done: tuple[str, str]) -> None:
    job, key = done
    marks = sent(server.ask("GET", f"jobs/{job}/results/{key}")["instances"])
    marks[1]["level"] = "L4"
    change = {"place": 1, "how": "name_all"}
    path = f"jobs/{job}/results/{key}/edit"
    named = server.ask("POST", path, json={"marks": marks, "change": change})
    levels = [one["level"] for one in named]
    assert levels[:4] == ["L5", "L4", "L3", "L2"] and "L3-L4" in levels
    marks[1]["level"] = None
    server.ask("POST", path, 409, json={"marks": marks, "change": change})


def test_another_slice_becomes_a_result_of_its_own(server: Served, done: tuple[str, str]) -> None:
    job, key = done
    server.ask("POST", f"jobs/{job}/results/{key}/slice", json={"slice_index": 3})
    state = server.wait(job)
    keys = [row["key"] for row in state["results"]]
    assert f"{key}-slice-003" in keys and key in keys
    server.ask("POST", f"jobs/{job}/results/{key}/slice", 409, json={"slice_index": 99})
    shown = server.ask("GET", f"jobs/{job}/results/{key}-slice-003")
    assert shown["selected_slice"] == 3 and shown["instances"]


def test_corrections_are_exported_as_a_data_set(
    server: Served, done: tuple[str, str], study: dict[str, bytes], tmp_path: Path
) -> None:
    job, key = done
    shown = server.ask("GET", f"jobs/{job}/results/{key}")
    marks = sent(shown["instances"])[:5]
    server.ask("POST", f"jobs/{job}/results/{key}/versions", 201, json={"marks": marks, "who": "A"})
    archive = server.ask("GET", "corrections.zip?exhaustive=true")
    zipfile.ZipFile(io.BytesIO(archive)).extractall(tmp_path)
    data = read_dataset(tmp_path)
    [image] = [one for one in data.images if len(one.instances) == 5]
    assert image.exhaustive
    patient = pydicom.dcmread(io.BytesIO(next(iter(study.values())))).PatientID
    assert image.patient == hashlib.sha256(patient.encode()).hexdigest()[:12]
    areas = sorted(int(one.mask.sum()) for one in image.instances)
    assert areas == sorted(one["measures"]["area_px"] for one in shown["instances"][:5])


def test_what_cannot_be_done_is_refused_with_the_reason(
    server: Served, done: tuple[str, str], study: dict[str, bytes]
) -> None:
    job, key = done
    path = f"jobs/{job}/results/{key}"
    marks = sent(server.ask("GET", path)["instances"])
    server.ask("POST", f"{path}/versions", 409, json={"marks": [], "who": "A"})
    server.ask("POST", f"{path}/versions", 422, json={"marks": marks, "who": "  "})
    twice = [
        {**mark, "level": "L3" if mark["kind"] == "vertebral_body" else None} for mark in marks
    ]
    told = server.ask("POST", f"{path}/versions", 409, json={"marks": twice, "who": "A"})
    assert told["detail"] == "L3 is named twice"
    wrong = [{**marks[0], "level": "L9"}]
    server.ask("POST", f"{path}/versions", 422, json={"marks": wrong, "who": "A"})
    small = [{**marks[0], "rle": {"size": [2, 2], "counts": "4"}}]
    server.ask("POST", f"{path}/edit", 422, json={"marks": small})
    server.ask("POST", f"{path}/send", 409)
    for name in ("other", "%00", "%ff"):
        server.ask("GET", f"jobs/{job}/results/{name}", 404)
    server.ask("GET", f"jobs/{'0' * 32}", 404)
    server.ask("POST", f"jobs/{job}/start", 409)
    server.ask("PUT", f"jobs/{job}/files/a", 409, content=b"x")
    for name in ("..%2Frun.json", "..%2F..%2Fjobs.sqlite", "%2e%2e"):
        server.ask("GET", f"{path}/files/{name}", 404)


def test_nothing_to_segment_is_told(server: Served) -> None:
    state = server.wait(server.upload({"a.txt": b"no image"}))
    assert state["state"] == "failed" and "no DICOM" in state["message"]
    assert str(server.folder) not in state["message"]


def test_a_cancelled_job_can_be_started_again(server: Served, study: dict[str, bytes]) -> None:
    job = server.upload(study)
    while server.ask("GET", f"jobs/{job}")["state"] == "queued":
        time.sleep(0.02)
    server.ask("POST", f"jobs/{job}/cancel")
    time.sleep(0.6)
    assert server.ask("GET", f"jobs/{job}")["state"] == "cancelled"
    server.ask("POST", f"jobs/{job}/start")
    assert server.wait(job)["state"] == "done"
    server.ask("DELETE", f"jobs/{job}", 204)
    assert not (server.folder / job).exists()


def test_jobs_survive_a_killed_server(
    serve: Serve, study: dict[str, bytes], tmp_path: Path
) -> None:
    with serve(tmp_path) as first:
        jobs = [first.upload(study, f"study {number}") for number in range(3)]
        while first.ask("GET", f"jobs/{jobs[0]}")["state"] != "running":
            time.sleep(0.02)
        first.end(9)
    with serve(tmp_path) as second:
        assert [second.wait(job)["state"] for job in jobs] == ["done"] * 3
        assert not list(tmp_path.rglob(".unfinished-*"))


@pytest.mark.parametrize("count", [20])
def test_twenty_uploads_at_once_all_finish_in_bounded_memory(
    serve: Serve, study: dict[str, bytes], tmp_path: Path, count: int
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    import psutil

    with serve(tmp_path) as served, ThreadPoolExecutor(count) as pool:
        jobs = list(pool.map(lambda n: served.upload(study, f"study {n}"), range(count)))
        process, peak = psutil.Process(served.process.pid), 0
        family = [process]
        while any(one["state"] in ("queued", "running") for one in served.ask("GET", "jobs")):
            family = [process, *process.children(recursive=True)]
            peak = max(peak, sum(one.memory_info().rss for one in family))
            time.sleep(0.2)
        states = [served.wait(job) for job in jobs]
    assert [state["state"] for state in states] == ["done"] * count
    assert peak < 1500 * 2**20, f"{peak >> 20} MB"


def test_a_corrected_picture_keeps_its_modality_and_warnings(
    server: Served, phantom_folder: Path, tmp_path: Path
) -> None:
    import cv2

    pixels = read(phantom_folder / "dicom").series[0].slices[4].pixels
    cv2.imwrite(str(tmp_path / "a.png"), (pixels / pixels.max() * 255).astype(np.uint8))
    job = server.upload({"a.png": (tmp_path / "a.png").read_bytes()})
    server.wait(job)
    shown = server.ask("GET", f"jobs/{job}/results/a")
    path = f"jobs/{job}/results"
    body = {"marks": sent(shown["instances"])[1:], "who": "A"}
    saved = server.ask("POST", f"{path}/a/versions", 201, json=body)["key"]
    version = server.ask("GET", f"{path}/{saved}")
    assert version["modality"] == shown["modality"] == "MR"
    source = [w for w in shown["warnings"] if w["code"] in ("modality-assumed", "no-spacing")]
    assert len(source) == 2 and all(w in version["warnings"] for w in source)
