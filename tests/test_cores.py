import os
from pathlib import Path

import pytest

from spinetk import cores as module
from spinetk.cores import cores, quotas


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_without_quotas_all_cores_of_the_affinity_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "quotas", lambda: iter(()))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(7)))
    assert cores() == 7


@pytest.mark.parametrize(("limit", "wanted"), [("200000 100000", 2.0), ("50000 100000", 0.5)])
def test_a_quota_of_version_2_is_in_the_own_group_or_above(
    tmp_path: Path, limit: str, wanted: float
) -> None:
    write(tmp_path / "cgroup" / "docker", cpu__max=limit)
    write(tmp_path / "cgroup" / "docker" / "inner", cpu__max="max 100000")
    (tmp_path / "own").write_text("0::/docker/inner\n")
    assert min(quotas(tmp_path / "cgroup", tmp_path / "own")) == wanted
    # in a container the own group is the root
    write(tmp_path / "alone", cpu__max=limit)
    assert min(quotas(tmp_path / "alone", tmp_path / "gone")) == wanted


def test_a_quota_of_version_1(tmp_path: Path) -> None:
    write(
        tmp_path / "cpu" / "docker" / "a", cpu__cfs_quota_us="300000", cpu__cfs_period_us="100000"
    )
    write(tmp_path / "cpu", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    (tmp_path / "own").write_text("4:memory:/docker/a\n3:cpu,cpuacct:/docker/a\n")
    assert list(quotas(tmp_path, tmp_path / "own")) == [3.0]


def test_part_of_a_core_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "quotas", lambda: iter([0.5]))
    assert cores() == 1
    monkeypatch.setattr(module, "quotas", lambda: iter([1.5]))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    assert cores() == 2
