import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest

from spinetk.errors import UnreadableInput
from spinetk.readers import archive_streams
from spinetk.readers.archive_streams import check_directory, tar_members, unpacked

CONTENT = bytes(range(256)) * 9000


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_streams_are_unpacked_whole_and_one_after_the_other(pack: object, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(pack(CONTENT) + pack(b"more"))  # type: ignore[operator]
    with unpacked(path) as stream:
        assert stream.read() == CONTENT + b"more"
    path.write_bytes(pack(CONTENT)[:-20])  # type: ignore[operator]
    with pytest.raises((EOFError, OSError)), unpacked(path) as stream:
        stream.read()


def test_what_is_not_compressed_is_read_only_where_it_may_be(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"plain")
    with unpacked(tmp_path / "a", plain=True) as stream:
        assert stream.read() == b"plain"
    with pytest.raises(UnreadableInput, match="not compressed"), unpacked(tmp_path / "a"):
        pass


def tar(*sizes: int) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for number, size in enumerate(sizes):
            member = tarfile.TarInfo(f"{number}" + "n" * 150 * (number % 2))  # long names, too
            member.size = size
            archive.addfile(member, io.BytesIO(bytes([number]) * size))
    out.seek(0)
    return out


def test_members_come_one_by_one_whether_or_not_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive_streams, "LONGEST_HEADERS", 40_000)  # less than the files
    sizes = (10, 3_000_000, 0, 700_000)
    seen = []
    for number, (member, content) in enumerate(tar_members(tar(*sizes))):
        assert content is not None
        seen.append(member.size)
        if number != 1:
            assert content.read() == bytes([number]) * sizes[number]
    assert tuple(seen) == sizes


@pytest.mark.parametrize("large", [False, True])
def test_a_table_of_usual_length_is_taken_and_a_longer_one_is_not(
    large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(70_000 if large else 50):  # more than 65,535 need the longer form
            archive.writestr(f"{number}", b"")
        archive.comment = b"" if large else b"a comment behind the table"
    check_directory(path)
    monkeypatch.setattr(archive_streams, "LONGEST_DIRECTORY", 70_000 * 46 if large else 50 * 46)
    with pytest.raises(UnreadableInput, match="table of files"):
        check_directory(path)
