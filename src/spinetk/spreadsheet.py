"""Tables as spreadsheets of many countries write them."""

from __future__ import annotations

from pathlib import Path


def separated_text(path: Path) -> tuple[str, str]:
    """The text of a table without its byte order mark, and what stands between its columns: tabs,
    semicolons or commas.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no UTF-8.
    """
    text = path.read_text(encoding="utf-8-sig")
    head = text.partition("\n")[0]
    return text, next((mark for mark in "\t;" if mark in head), ",")
