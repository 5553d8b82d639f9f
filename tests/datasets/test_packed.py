import shutil
from pathlib import Path

import pytest

from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.packed import opened
from spinetk.errors import SpineError
from tests.make_dataset import make_dataset


def test_a_packed_data_set_is_read_as_its_folder(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "toy", patients=2)
    plain = read_dataset(folder)
    shutil.make_archive(str(tmp_path / "sent"), "zip", tmp_path, "toy")
    shutil.make_archive(str(tmp_path / "bare"), "zip", folder)
    for file, name in (("sent.zip", "toy"), ("bare.zip", "bare")):
        packed = read_dataset(opened([tmp_path / file])[0])
        assert packed.name == name and len(packed.images) == 2
        for a, b in zip(packed.images, plain.images, strict=True):
            assert (a.pixels == b.pixels).all() and a.instances == b.instances
    assert opened([folder]) == [folder]


def test_a_zip_without_a_data_set_is_said(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.txt").write_text("a")
    shutil.make_archive(str(tmp_path / "x"), "zip", tmp_path / "x")
    with pytest.raises(SpineError, match=r"no annotations\.json in it"):
        opened([tmp_path / "x.zip"])
    make_dataset(tmp_path / "two" / "a")
    make_dataset(tmp_path / "two" / "b")
    shutil.make_archive(str(tmp_path / "two"), "zip", tmp_path / "two")
    with pytest.raises(SpineError, match="2 annotations"):
        opened([tmp_path / "two.zip"])
    (tmp_path / "cut.zip").write_bytes((tmp_path / "x.zip").read_bytes()[:60])
    with pytest.raises(SpineError, match="cannot be unpacked"):
        opened([tmp_path / "cut.zip"])
