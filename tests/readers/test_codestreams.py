import io

import numpy as np
import pytest
from PIL import Image

from spinetk.readers.codestreams import codestream_size


@pytest.mark.parametrize(("kind", "options"), [
    ("JPEG", {}), ("JPEG", {"progressive": True}), ("JPEG2000", {}),
    ("JPEG2000", {"no_jp2": True}),
])  # fmt: skip
def test_a_codestream_says_how_large_it_is(kind: str, options: dict[str, bool]) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((70, 90), np.uint8)).save(stream, kind, **options)
    content = stream.getvalue()
    assert codestream_size(content) == (70, 90)
    for length in range(60):  # cut anywhere, it says nothing or the same
        assert codestream_size(content[:length]) in (None, (70, 90))


def test_what_is_none_says_nothing() -> None:
    for content in (
        b"",
        b"\xff",
        b"\xff" * 100,
        b"\xff\xd8" * 50,
        b"\xff\xe0\x00\x00" * 20,
        b"a" * 99,
    ):
        assert codestream_size(content) is None
