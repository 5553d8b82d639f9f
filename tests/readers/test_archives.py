import bz2
import io
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from spinetk.errors import UnreadableInput
from spinetk.readers.archives import (
    DEEPEST,
    Room,
    is_archive,
    is_one_compressed,
    unpack,
    unpack_one,
)
from spinetk.readers.sources import find_files

NAMES = ("../../evil.dcm", "/abs.dcm", "c:\\x\\win.dcm", "d/one.dcm", "d/two.dcm", "d/.hidden")


def write_zip(path: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def write_tar(path: Path, content: dict[str, bytes]) -> Path:
    with tarfile.open(path, f"w:{path.suffix[1:].removeprefix('t')}") as archive:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("link.dcm")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return path


@pytest.mark.parametrize("kind", ["a.zip", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz"])
def test_no_name_in_an_archive_leads_out_of_its_folder(kind: str, tmp_path: Path) -> None:
    path = tmp_path / kind
    write = write_zip if kind == "a.zip" else write_tar
    write(path, {name: name.encode() for name in NAMES})
    inside = tmp_path / "inside"
    inside.mkdir()
    assert unpack(path, inside, Room()) == []
    found = sorted(p.relative_to(inside) for p in inside.rglob("*") if p.is_file())
    assert {p.name for p in found} == {"evil.dcm", "abs.dcm", "win.dcm", "one.dcm", "two.dcm"}
    assert len({p.parent for p in found if p.name in ("one.dcm", "two.dcm")}) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([kind, "inside"])


@pytest.mark.parametrize("kind", ["a.zip", "a.tar.gz"])
def test_damaged_and_oversized_archives_are_refused(kind: str, tmp_path: Path) -> None:
    write = write_zip if kind == "a.zip" else write_tar
    path = write(tmp_path / kind, {f"{i}.dcm": os.urandom(1000) + bytes(10**6) for i in range(3)})
    for number, room in enumerate((Room(bytes=10**5), Room(files=2))):
        inside = tmp_path / f"inside{number}"
        inside.mkdir()
        with pytest.raises(UnreadableInput, match="more than is unpacked"):
            unpack(path, inside, room)
    path.write_bytes(path.read_bytes()[: 400 if kind == "a.zip" else -100])
    refused = find_files([path]).refused
    assert [r.name for r in refused] == [kind] and "cannot be unpacked" in refused[0].reason


def test_what_no_images_can_be_squeezed_to_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.nii": bytes(10**6)})
    (tmp_path / "inside").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("spinetk.readers.archives.ALWAYS_BYTES", 10**5)
        room = Room.of_disk(tmp_path, [path])
    assert 10**5 <= room.bytes < 10**6  # zeros are squeezed to a thousandth
    with pytest.raises(UnreadableInput, match="than images of its size can"):
        unpack(path, tmp_path / "inside", room)


def test_room_is_shared_by_archives_in_archives(tmp_path: Path) -> None:
    inner = write_zip(tmp_path / "in.zip", {"zeros.dcm": bytes(10**6)}).read_bytes()
    path = write_zip(tmp_path / "out.zip", {f"{i}.zip": inner for i in range(4)})
    inside = tmp_path / "inside"
    inside.mkdir()
    refused = unpack(path, inside, Room(bytes=2 * 10**6 + 5 * len(inner)))
    assert [r.name for r in refused] == ["2.zip", "3.zip"]
    assert all("more than is unpacked" in r.reason for r in refused)


def test_archives_too_deep_are_named(tmp_path: Path) -> None:
    content = {"a.dcm": b"a"}
    for depth in range(DEEPEST + 1):
        content = {f"{depth}.zip": write_zip(tmp_path / "x.zip", content).read_bytes()}
    inside = tmp_path / "inside"
    inside.mkdir()
    [refused] = unpack(tmp_path / "x.zip", inside, Room())
    assert refused.name == "0.zip" and "archives deep" in refused.reason


def test_single_compressed_images_are_known_by_their_names(tmp_path: Path) -> None:
    for name, one in (("a.nii.bz2", True), ("a.dcm.gz", True), ("a.nii.gz", False),
                      ("log.txt.gz", False), ("a.tar.gz", False), ("b.nii.xz", True)):  # fmt: skip
        assert is_one_compressed(Path(name)) == one
    assert is_archive(Path("a.tar.gz")) and not is_archive(Path("a.nii.gz"))
    for name, packed in (("a.nii.bz2", bz2.compress(b"ab")), ("b.nii.xz", lzma.compress(b"ab"))):
        (tmp_path / name).write_bytes(packed)
        assert unpack_one(tmp_path / name, tmp_path, Room()).read_bytes() == b"ab"
    (tmp_path / "c.nii.bz2").write_bytes(b"no")
    with pytest.raises(UnreadableInput, match="is not compressed as its name says"):
        unpack_one(tmp_path / "c.nii.bz2", tmp_path, Room())
