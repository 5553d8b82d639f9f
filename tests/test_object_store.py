"""Studies in a store that speaks S3 over HTTP (moto's server, on loopback)."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spinetk.errors import UnreadableInput, UsageError
from tests.services import free_port, listens, running, until

boto3 = pytest.importorskip("boto3", reason="needs moto's server")
s3fs = pytest.importorskip("s3fs", reason="needs the store extra")
pytest.importorskip("moto", reason="needs moto's server")

from spinetk.object_store import ObjectStore


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """What S3's library reads to find the store."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    values = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip
    before = {name: os.environ.get(name) for name in values}
    with running(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        until(lambda: listens(port))
        os.environ.update(values)
        yield os.environ | values
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="module")
def cohort(environment: dict[str, str], phantom_folder: Path, pictures: Path) -> str:
    """Two cases whose files have the same name, a DICOM study, files side by side, and a table."""
    files = s3fs.S3FileSystem()
    files.mkdir("hospital")
    image = pictures / "p0.png"
    for case in ("case1", "case2"):
        files.put_file(str(image), f"hospital/cohort/{case}/t2.png")
    for path in sorted((phantom_folder / "dicom").iterdir()):
        files.put_file(str(path), f"hospital/cohort/smith/series/{path.name}")
    files.put_file(str(image), "hospital/cohort/single.png")
    for name in ("participants.tsv", ".hidden.png"):
        files.pipe_file(f"hospital/cohort/{name}", b"participant_id\n")
    return "s3://hospital/cohort"


def segment(url: str, out: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "spinetk.cli", "segment", "--store", url, "-o", str(out)]
    (out.parent / "temporary").mkdir(exist_ok=True)
    return subprocess.run(
        [*command, "--format", "csv", *more], capture_output=True, text=True, check=False,
        env=os.environ | {"TMPDIR": str(out.parent / "temporary")},
    )  # fmt: skip


def sources(out: Path) -> dict[str, str]:
    with (out / "sources.csv").open(newline="") as stream:
        return {row["input"]: row["key"] for row in csv.DictReader(stream)}


def test_every_study_of_a_cohort_is_segmented_as_from_a_disk(cohort: str, tmp_path: Path) -> None:
    done = segment(cohort, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    came = sources(tmp_path / "out")
    files = ("case1/t2.png", "case2/t2.png", "single.png")
    assert [came[f"cohort/{name}"] for name in files] == ["case1_t2", "case2_t2", "single"]
    [dicom] = [key for place, key in came.items() if place.startswith("cohort/smith/series")]
    assert "smith" not in dicom  # keys of DICOM hold no identity, here either
    tables = [
        (tmp_path / "out" / key / "instances.csv").read_text()
        for key in ("case1_t2", "case2_t2", "single")
    ]
    assert tables[0] == tables[1] == tables[2] and tables[0].count("\n") > 5
    with (tmp_path / "out" / "summary.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 4
    assert list((tmp_path / "temporary").iterdir()) == []  # copies are gone


def test_a_run_that_goes_on_fetches_what_is_not_done(cohort: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert segment(cohort, out).returncode == 0
    shutil.rmtree(out / "case2_t2")
    done = segment(cohort, out, "--continue")
    assert done.returncode == 0, done.stderr
    assert "case2_t2" in done.stdout and "case1_t2" not in done.stdout
    assert (out / "case2_t2" / "run.json").is_file() and len(sources(out)) == 4


def test_one_study_that_cannot_be_read_takes_no_other_with_it(
    environment: dict[str, str], pictures: Path, tmp_path: Path
) -> None:
    files = s3fs.S3FileSystem()
    files.mkdir("broken")
    image = pictures / "p0.png"
    files.put_file(str(image), "broken/good.png")
    files.pipe_file("broken/bad.png", image.read_bytes()[:3000])
    done = segment("s3://broken", tmp_path / "out")
    assert done.returncode == 4 and "bad" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out" / "good" / "run.json").is_file()
    with (tmp_path / "out" / "failures.csv").open(newline="") as stream:
        assert ["bad" in row["key"] for row in csv.DictReader(stream)] == [True]


def test_what_lies_side_by_side_is_told_apart(environment: dict[str, str]) -> None:
    files = s3fs.S3FileSystem()
    files.mkdir("flat")
    for name in ("a.img", "a.hdr", "1.3.6.1.55.1.nii.gz", "1.3.6.1.55.2.nii.gz", "notes.txt"):
        files.pipe_file(f"flat/{name}", b"x")
    for name in ("1.2.840.1", "1.2.840.2", "im.dcm"):
        files.pipe_file(f"flat/{name}", bytes(128) + b"DICM")
    store = ObjectStore("s3://flat/")
    assert list(store.studies()) == [
        "flat/*", "flat/1.3.6.1.55.1.*", "flat/1.3.6.1.55.2.*", "flat/a.*",
    ]  # fmt: skip
    with (came := store.fetch("flat/a.*")).folder:
        assert sorted(path.name for path in came.place.iterdir()) == ["a.hdr", "a.img"]
    with (came := store.fetch("flat/*")).folder:
        assert len(list(came.place.iterdir())) == 3


def test_what_stands_for_a_folder_and_what_tells_of_a_cohort_is_no_study(
    environment: dict[str, str], pictures: Path
) -> None:
    client = boto3.client("s3")
    client.create_bucket(Bucket="console")
    # a console makes empty objects where people make folders
    for key in ("cohort/", "cohort/p1/", "cohort/p1/series1/"):
        client.put_object(Bucket="console", Key=key)
    content = (pictures / "p0.png").read_bytes()
    client.put_object(Bucket="console", Key="cohort/p1/series1/a.png", Body=content)
    for name in ("README", "LICENSE", "CHANGES"):
        client.put_object(Bucket="console", Key=f"cohort/{name}", Body=b"x" * 300)
    store = ObjectStore("s3://console/cohort")
    assert list(store.studies()) == ["console/cohort/p1"]
    with (came := store.fetch("console/cohort/p1")).folder:
        found = [path for path in came.place.rglob("*") if path.is_file()]
        assert [path.name for path in found] == ["a.png"]


def test_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises((UsageError, UnreadableInput)) as told:
        list(ObjectStore("sftp://me:s3cret@127.0.0.1:1/x").studies())
    assert "s3cret" not in str(told.value) and "sftp://127.0.0.1:1/x" in str(told.value)


def test_a_name_that_leads_out_of_the_folder_is_refused(environment: dict[str, str]) -> None:
    files = s3fs.S3FileSystem()
    files.mkdir("evil")
    files.pipe_file("evil/case/../../../x.nii.gz", b"x")
    store = ObjectStore("s3://evil")
    studies = list(store.studies())
    assert studies == ["evil/case"]
    with pytest.raises(UnreadableInput, match="no path that a file can have"):
        store.fetch("evil/case")


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("hospital/cohort", UsageError, "with its protocol"),
        ("nothing://hospital", UsageError, "cannot be read"),
        ("s3://no-such-bucket/cohort", UnreadableInput, "from the store"),
    ],
)
def test_what_is_no_store_is_a_line(
    environment: dict[str, str], url: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        list(ObjectStore(url).studies())
