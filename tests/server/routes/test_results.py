import io
import zipfile

from spinetk.results.record import write_record
from spinetk.study import Segmentation
from tests.results.test_record import record
from tests.server.routes.conftest import Asked


def test_a_result_is_shown_as_it_was_written(asked: Asked, phantom_result: Segmentation) -> None:
    shown = asked.client.get(asked.result).json()
    assert (shown["key"], shown["series"], shown["upload"]) == (asked.key, asked.key, "study")
    assert shown["selected_slice"] == phantom_result.slice_index and shown["n_slices"] == 9
    assert [m["level"] for m in shown["instances"]] == [i.level for i in phantom_result.instances]
    assert [t["index"] for t in shown["trace"]] == list(range(9))
    codes = [warning["code"] for warning in shown["warnings"]]
    assert codes == [warning.code for warning in phantom_result.warnings]
    assert "run.json" in shown["files"] and shown["versions"] == [asked.key]


def test_files_and_archives(asked: Asked) -> None:
    one = asked.client.get(f"{asked.result}/files/instances.csv")
    assert one.status_code == 200 and one.text.startswith("label,")
    for name in ("missing.csv", ".hidden", "..%2frun.json"):
        assert asked.client.get(f"{asked.result}/files/{name}").status_code == 404
    content = asked.client.get(f"/api/jobs/{asked.job}/results.zip").content
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert {f"{asked.key}/run.json", "summary.csv"} <= set(names)
    assert not [name for name in names if "/." in name or name.startswith(".")]
    volume = asked.client.get(f"{asked.result}/volume.nii").content
    assert volume[344:347] == b"n+1"


def test_without_a_destination_nothing_is_sent(asked: Asked) -> None:
    answer = asked.client.post(f"{asked.result}/send")
    assert answer.status_code == 409 and "no destination" in answer.json()["detail"]


def test_only_versions_of_the_same_series_are_listed(asked: Asked) -> None:
    other = asked.store.results(asked.job) / "other"
    other.mkdir()
    write_record(other, record("other"))
    assert asked.client.get(asked.result).json()["versions"] == [asked.key]


def test_a_damaged_result_is_a_reason_and_no_crash(asked: Asked) -> None:
    (asked.store.results(asked.job) / asked.key / "instances.coco.json").write_text("{")
    answer = asked.client.get(asked.result)
    assert answer.status_code == 409 and "cannot be read" in answer.json()["detail"]
