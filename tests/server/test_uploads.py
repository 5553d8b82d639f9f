"""Uploads never leave their folder and never fill the disk; nobody else gets in."""

import asyncio
import contextlib
import io
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import httpx
import pytest

from spinetk.errors import UnreadableInput
from spinetk.server.app import _sweep
from spinetk.server.desk import Desk
from spinetk.server.jobs import JobStore
from spinetk.server.uploads import place_for, unpack_archives
from tests.server.conftest import Serve, Served
from tests.server.test_jobs import aged

NAMES = [
    "../../evil.png", "/etc/evil.png", "..\\..\\evil.png", "a/../../../evil.png", "..", "", ".",
    "C:\\evil.png", "a\x00b.png", "x" * 5000, ".hidden", "é/ü.png", "a\nb.png", "con/..//../evil",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_name_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    place = place_for(tmp_path, name)
    assert place.parent.parent == tmp_path and place.resolve().is_relative_to(tmp_path.resolve())
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"")  # a name that the file system takes


def test_files_of_one_folder_stay_together(tmp_path: Path) -> None:
    header, values = place_for(tmp_path, "a/b/scan.mhd"), place_for(tmp_path, "a/b/scan.raw")
    assert header.parent == values.parent != place_for(tmp_path, "a/c/scan.mhd").parent


def test_two_names_have_two_places(tmp_path: Path) -> None:
    long = "x" * 125 + ".png"
    names = [f"a_{long}", f"b_{long}", ".b.png", "b.png", "a\n.png", "a\t.png", "a_.png", "a/b.png",
             "a/../b.png", "a/..", "..", ""]  # fmt: skip
    assert len({place_for(tmp_path, name) for name in names}) == len(names)


def test_traversal_over_http_stays_inside(server: Served) -> None:
    job = server.ask("POST", "jobs", 201, json={"name": "x"})["id"]
    before = set(server.folder.parent.rglob("*evil*"))
    for name in ("..%2F..%2F..%2Fevil.png", "%2Fetc%2Fevil.png", "a%5C..%5Cevil.png"):
        answer = server.client.put(f"/api/jobs/{job}/files/{name}", content=b"x")
        assert answer.status_code in (201, 404), answer.text
    made = set(server.folder.parent.rglob("*evil*")) - before
    assert made and all(p.is_relative_to(server.folder / job / "study") for p in made)
    for name in ("..%2f..%2fapp.py", "..%2f..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/app.py"):
        assert server.client.get(f"/{name}").status_code == 404


def archive(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return stream.getvalue()


def test_archives_cannot_slip_out_or_blow_up(
    serve: Serve, study: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "jobs"
    with serve(folder, "--most", "0.05") as served:
        slip = archive(**{f"../../../../{name}": content for name, content in study.items()})
        state = served.wait(served.upload({"a.zip": slip}))
        assert state["state"] == "done", state
        bomb = archive(**{"a.raw": bytes(400_000_000)})
        assert len(bomb) < 1_000_000
        state = served.wait(served.upload({"b.zip": bomb}))
        assert state["state"] == "failed" and "more than is unpacked" in state["message"]
        nested = archive(**{"c.zip": bomb})
        state = served.wait(served.upload({"n.zip": nested}))
        assert state["state"] == "failed" and "more than is unpacked" in state["message"]
        folded = archive(**{"d.zip": archive(**study)})
        assert served.wait(served.upload({"f.zip": folded}))["state"] == "done"
        outside = [p for p in tmp_path.rglob("*.dcm") if not p.is_relative_to(folder)]
        assert outside == []
        assert sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) < 80_000_000


def test_what_is_over_the_limit_is_refused_and_not_kept(serve: Serve, tmp_path: Path) -> None:
    with serve(tmp_path, "--most", "0.001") as served:
        job = served.ask("POST", "jobs", 201, json={"name": "x"})["id"]
        served.ask("PUT", f"jobs/{job}/files/a", 201, content=bytes(600_000))
        served.ask("PUT", f"jobs/{job}/files/b", 413, content=bytes(600_000))
        assert served.ask("GET", f"jobs/{job}")["size"] == 600_000
        assert sum(p.stat().st_size for p in (tmp_path / job).rglob("*") if p.is_file()) == 600_000


def test_only_this_machine_is_served(server: Served) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        assert server.client.get("/api/jobs", headers=headers).status_code == 403
    answer = server.client.get("/")
    assert (
        answer.status_code == 200
        and "default-src 'self'" in answer.headers["content-security-policy"]
    )


def test_other_hosts_need_a_token(serve: Serve, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "spinetk.cli", "serve", "--host", "0.0.0.0"]
    for options, reason in (([], "name a --token"), (["--token", "short"], "at least 12")):
        done = subprocess.run([*command, *options], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 2 and reason in done.stderr
    secret = "correct horse battery"
    with serve(tmp_path, "--host", "0.0.0.0", "--token", secret) as served:
        for path in ("/", "/api/jobs", "/?token=wrong"):
            assert served.client.get(path).status_code == 401
        bearer = {"Authorization": f"Bearer {secret}"}
        assert served.client.get("/api/jobs", headers=bearer).status_code == 200
        with httpx.Client(base_url=served.url, follow_redirects=True) as browser:
            assert browser.get("/", params={"token": secret}).status_code == 200
            assert browser.get("/api/jobs").status_code == 200


def test_studies_are_deleted_after_their_time(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    old, new = store.add("old"), store.add("new")
    aged(store, old.id, 7200)

    async def sweep() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_sweep(store, Desk(), 1.0), 0.5)

    asyncio.run(sweep())
    assert [job.id for job in store.all()] == [new.id]
    assert not (tmp_path / old.id).exists() and (tmp_path / new.id).exists()


def test_strange_requests_are_answered(server: Served) -> None:
    job = server.ask("POST", "jobs", 201, json={"name": "x"})["id"]
    json = {"Content-Type": "application/json"}
    for body in (b'{"name": NaN}', b'{"name": "\\ud800", "modality": "\\ud800"}', b"[", b"\xff"):
        answer = server.client.post("/api/jobs", content=body, headers=json)
        assert answer.status_code in (201, 400, 422), answer.text
    for origin in ("http://[", "null", "//", "http://127.0.0.1"):
        answer = server.client.get("/api/jobs", headers={"Origin": origin})
        assert answer.status_code == 403
    assert server.client.get("/api/jobs", headers={"Sec-Fetch-Site": "cross-site"}).is_client_error
    server.ask("PUT", f"jobs/{job}/files/{'%E8%84%8A' * 200}.png", 201, content=b"x")
    [kept] = (p for p in (server.folder / job / "study").rglob("*") if p.is_file())
    assert kept.suffix == ".png"
    many = server.client.post("/api/jobs", content=iter([b"{}"]), headers=json)
    assert many.status_code == 411
    server.ask("POST", f"jobs/{job}/start")
    assert server.wait(job)["state"] == "failed"


def test_a_folder_has_one_server(serve: Serve, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "spinetk.cli", "serve", "--folder", str(tmp_path)]
    with serve(tmp_path):
        done = subprocess.run([*command, "--port", "1"], capture_output=True, text=True)
    assert done.returncode == 2 and "another server" in done.stderr


def test_folders_of_no_job_are_swept(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    store.remove(store.add("secret name").id)
    stray = tmp_path / ".trash-x"
    stray.mkdir()
    store.sweep(3600)
    assert stray.exists()  # it may be just being deleted
    long_ago = time.time() - 7200
    os.utime(stray, (long_ago, long_ago))
    store.sweep(3600)
    assert not stray.exists()
    store.close()
    assert b"secret name" not in b"".join(p.read_bytes() for p in tmp_path.glob("jobs.sqlite*"))


def test_a_file_that_is_sent_twice_is_one_and_a_refused_one_leaves_the_other(
    serve: Serve, tmp_path: Path
) -> None:
    with serve(tmp_path, "--most", "0.001") as served:
        job = served.ask("POST", "jobs", 201, json={"name": "x"})["id"]
        place = f"jobs/{job}/files/a"
        served.ask("PUT", place, 201, content=bytes(300_000))
        state = served.ask("PUT", place, 201, content=b"x" * 400_000)
        assert (state["files"], state["size"]) == (1, 400_000)
        served.ask("PUT", place, 413, content=bytes(1_100_000))
        [kept] = (p for p in (tmp_path / job).rglob("*") if p.is_file())
        assert kept.read_bytes() == b"x" * 400_000


def test_loose_files_take_no_room_from_what_an_archive_may_hold(tmp_path: Path) -> None:
    with (tmp_path / "big.nii").open("wb") as loose:
        loose.truncate(3 * 2**30)
    with zipfile.ZipFile(tmp_path / "small.zip", "w") as packed:
        packed.writestr("a.dcm", b"x" * 1000)
    unpack_archives(tmp_path, 8 * 2**30)
    assert len(list((tmp_path / "small.zip.unpacked").rglob("a.dcm"))) == 1


def test_archives_hold_no_more_files_than_a_study_may(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(20_001):
            archive.writestr(f"{number}.dcm", b"")
    with pytest.raises(UnreadableInput, match="more than is unpacked"):
        unpack_archives(tmp_path, 10**9)


def test_archives_in_an_archive_take_no_longer_each_the_more_there_are(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.dcm", b"x")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(2000):
            archive.writestr(f"{number}.zip", inner.getvalue())
    start = time.perf_counter()
    unpack_archives(tmp_path, 10**9)
    assert len(list(tmp_path.rglob("*.dcm"))) == 2000 and time.perf_counter() - start < 30
