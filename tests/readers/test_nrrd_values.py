import bz2
import gzip
from pathlib import Path

import numpy as np
import pytest

from spinetk.errors import UnreadableInput
from spinetk.readers.nrrd_values import check_length, kind_of, opened

VALUES = np.arange(-30, 30, dtype=np.int16)


@pytest.mark.parametrize("name", ["short", "int16_t", "signed short int"])
def test_types_are_known_by_all_their_names(name: str) -> None:
    assert kind_of({"type": name, "endian": "little"}) == np.dtype("<i2")
    assert kind_of({"type": name, "endian": "big"}) == np.dtype(">i2")
    with pytest.raises(UnreadableInput, match="gray values"):
        kind_of({"type": "block"})


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (b"head" + VALUES.tobytes(), {"encoding": "raw"}),
        (b"head" + b"a line\n\n" + VALUES.tobytes(), {"encoding": "raw", "line skip": 2}),
        (b"head" + b"abc" + VALUES.tobytes(), {"encoding": "raw", "byte skip": 3}),
        (b"headmuch more" + VALUES.tobytes(), {"encoding": "raw", "byte skip": -1}),
        (b"head" + gzip.compress(VALUES.tobytes()), {"encoding": "gzip"}),
        (b"head" + gzip.compress(b"ab" + VALUES.tobytes()), {"encoding": "gz", "byteskip": 2}),
        (b"head" + bz2.compress(VALUES.tobytes()), {"encoding": "bzip2"}),
        (b"head" + " ".join(map(str, VALUES)).encode(), {"encoding": "ascii"}),
    ],
)
def test_values_are_read_however_they_are_encoded(
    content: bytes, header: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(content)
    with opened(tmp_path / "a", 4, header, VALUES.nbytes, np.dtype("<i2")) as stream:
        assert stream.read(VALUES.nbytes) == VALUES.tobytes() and stream.read(1) == b""


def test_what_a_file_cannot_hold_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100))
    for encoding, most in (("raw", 100), ("gzip", 110_000), ("bz2", 2_000_000), ("text", 800)):
        check_length(tmp_path / "a", {"encoding": encoding}, most)
        with pytest.raises(UnreadableInput, match="do not fit"):
            check_length(tmp_path / "a", {"encoding": encoding}, most + 1)
    for header in ({"encoding": "hex"}, {"encoding": "raw", "byte skip": -2},
                   {"encoding": "gzip", "byte skip": 2**40}):  # fmt: skip
        with (
            pytest.raises(UnreadableInput),
            opened(tmp_path / "a", 0, header, 10, np.dtype("<i2")),
        ):
            pass
