"""What a compressed image says of its own size, to be held against the header's."""

from __future__ import annotations

J2K_START = b"\xff\x4f\xff\x51"
"""SOC and SIZ (ISO/IEC 15444-1 A.4.1, A.5.1)."""
FRAME_MARKERS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
"""SOF markers of JPEG (ISO/IEC 10918-1 table B.1) and JPEG-LS (14495-1 C.2.2)."""
WITHOUT_LENGTH = frozenset({0x01, 0xD8, *range(0xD0, 0xD8)})
SCAN = 0xDA


def _jp2_codestream(content: bytes) -> int:
    """Where in a JP2 file its codestream begins (ISO/IEC 15444-1 annex I): what stands in boxes
    before it is not decoded. The file's end where there is none."""
    place = 0
    while place + 8 <= len(content):
        length, kind = int.from_bytes(content[place : place + 4]), content[place + 4 : place + 8]
        head = 8
        if length == 1:  # a longer length follows
            length, head = int.from_bytes(content[place + 8 : place + 16]), 16
        if kind == b"jp2c":
            return place + head
        if length < head:  # 0: the last box
            break
        place += length
    return len(content)


def codestream_size(content: bytes) -> tuple[int, int] | None:
    """Rows and columns of a JPEG, JPEG-LS or JPEG 2000 codestream; None where it does not say.

    >>> codestream_size(bytes.fromhex("ffd8 ffc0 0011 08 0100 0080 03"))
    (256, 128)
    """
    start = _jp2_codestream(content) if content[4:8] == b"jP  " else 0
    if content[start : start + 4] == J2K_START:
        values = content[start + 8 : start + 24]
        if len(values) < 16:
            return None
        right, bottom, left, top = (int.from_bytes(values[k : k + 4]) for k in (0, 4, 8, 12))
        return bottom - top, right - left
    place = 0
    while place + 9 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker in FRAME_MARKERS:
            sizes = content[place + 5 : place + 9]
            return int.from_bytes(sizes[:2]), int.from_bytes(sizes[2:])
        if marker == SCAN:
            return None
        place += 1 if marker == 0xFF else 2  # fill bytes
        if marker not in WITHOUT_LENGTH and marker != 0xFF:
            place += int.from_bytes(content[place : place + 2])
    return None
